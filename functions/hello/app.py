def lambda_handler(event, context):
    def generate_response():
        for i in range(5):
            yield f"Chunk {i}\n"
    return {"statusCode": 200, "body": generate_response()}
