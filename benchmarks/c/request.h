// The requests of a runtime and of an extension, and the answers to them.
#pragma once

#include "response.h"

struct request {
    char path[512];
    long length;
    bool chunked, streamed, prelude, expects_continue;
};

// False if the connection ended instead.
static bool read_request(struct reader *connection, struct request *request) {
    char line[16384];
    *request = (struct request){.length = 0};
    if (!read_line(connection, line, sizeof line))
        return false;
    if (sscanf(line, "%*15s %511s", request->path) != 1)
        fail("not a request: %s", line);
    while (read_line(connection, line, sizeof line) && line[0] != '\0') {
        if (has_prefix(line, "content-length:"))
            request->length = atol(strchr(line, ':') + 1);
        else if (has_prefix(line, "transfer-encoding:"))
            request->chunked = strcasestr(line, "chunked") != NULL;
        else if (has_prefix(line, "lambda-runtime-function-response-mode:"))
            request->streamed = strcasestr(line, "streaming") != NULL;
        else if (has_prefix(line, "content-type:"))
            request->prelude = strcasestr(line, "http-integration-response") != NULL;
        else if (has_prefix(line, "expect:"))
            request->expects_continue = true;
    }
    if (request->expects_continue)
        send_all(connection->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    return true;
}

static bool is_for(const struct request *request, const char *what) { return strstr(request->path, what) != NULL; }

#define REQUEST_ID "8476a536-e9f4-11e8-9739-"

// The answer to a request for an invocation, which is number `number`.
static void send_invocation(struct reader *connection, long number, const char *event) {
    char head[1024];
    int size = snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: " REQUEST_ID "%012ld\r\n"
        "Lambda-Runtime-Deadline-Ms: %lld\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n"
        "Content-Length: %zu\r\n\r\n",
        number, (time(NULL) + 900LL) * 1000, strlen(event));
    char *answer = malloc(size + strlen(event));
    memcpy(answer, head, size);
    memcpy(answer + size, event, strlen(event));
    send_all(connection->fd, answer, size + strlen(event));
    free(answer);
}

// The number of the invocation that a response is for; -1 if it names none.
static long number_of(const struct request *request) {
    const char *id = strstr(request->path, REQUEST_ID);
    return id == NULL ? -1 : strtol(id + strlen(REQUEST_ID), NULL, 10);
}

static void accept_response(struct reader *connection) {
    static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
    send_all(connection->fd, accepted, sizeof accepted - 1);
}

// The Extensions API, as far as an extension without events needs it.
static void register_extension(struct reader *connection, const struct request *request) {
    struct response unread = {.invocation = &(struct invocation){.first_byte = 1}};
    take_bytes(connection, &unread, request->length);
    static const char registered[] =
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "Lambda-Extension-Identifier: 1f2e3d4c-0000-4000-8000-000000000001\r\n"
        "Content-Length: 78\r\n\r\n"
        "{\"functionName\": \"bench\", \"functionVersion\": \"$LATEST\", \"handler\": \"start.sh\"}";
    send_all(connection->fd, registered, sizeof registered - 1);
}
