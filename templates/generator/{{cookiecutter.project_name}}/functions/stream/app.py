import time


def lambda_handler(event, context):
    def generate():
        for number in range(5):
            yield f"Chunk {number}\n"
            time.sleep(0.2)

    return {
        "statusCode": 200,
        "headers": {"content-type": "text/plain; charset=utf-8"},
        "body": generate(),
    }
