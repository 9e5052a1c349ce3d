def lambda_handler(event, context):
    return {"statusCode": 200, "body": (word for word in ("served", " all the same"))}
