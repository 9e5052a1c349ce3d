// A Lambda Runtime API that measures its client. It starts the client, hands out invocations, takes the responses as
// fast as they come, and prints what it saw as one JSON object.
//
// usage: server [OPTIONS] -- COMMAND...
//   -e EVENT    the event of every measured invocation
//   -n COUNT    how many of them (1); with 0 the first request for an invocation is the end
//   -w EVENT    the event of one invocation before them, which is not measured
//   -s          the body is lines of 19 digits, each the clock when it was written: measure the delay of each
//   -r BYTES    read no faster than this many bytes per second, as a slow client makes Lambda do
//   -h MS       stop after the first bytes of the body for so long; with -s: how much is made meanwhile
//   -f          the response is to fail in mid-stream: note how it ends
//   -u          let the kernel choose the processors
//   -t SECONDS  give up (60)
//
// One thread serves all connections: a runtime sends its requests one after the other. Without -u it has the last
// processor for itself and all of the client's processes another one, as a function of up to 1769 MB has one.
#define _GNU_SOURCE
#include <poll.h>

#include "function.h"
#include "response.h"

enum { MAX_CONNECTIONS = 16 };

static int64_t first_next, cpu_at_first_next;
static long resident_kb, peak_before_kb;
static int64_t run_before; // the time that the client's threads have run until the first measured invocation
static struct invocation *invocations;
static long current = -1; // the warm-up, if there is one, is number 0
static bool finished;

// --- handing out ------------------------------------------------------------------------------------------------------

static long total(void) { return options.count + (options.warm_up != NULL); }

static void hand_out(struct reader *connection) {
    if (current < 0) {
        first_next = connection->received;
        cpu_at_first_next = client_cpu();
        resident_kb = memory_of(client, "status", "VmRSS:");
    }
    if (current + 1 == total()) {
        finished = true;
        return;
    }
    bool measured = ++current > 0 || options.warm_up == NULL;
    if (options.warm_up != NULL && current == 1) { // without a warm-up, this would be a part of the start
        peak_before_kb = memory_of_all("status", "VmHWM:");
        run_before = sum_over_all(run_time_of, NULL);
    }
    const char *event = measured ? options.event : options.warm_up;
    char head[1024];
    int size = snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-%012ld\r\n"
        "Lambda-Runtime-Deadline-Ms: %lld\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n"
        "Content-Length: %zu\r\n\r\n",
        current, (time(NULL) + 900LL) * 1000, strlen(event));
    char *answer = malloc(size + strlen(event));
    memcpy(answer, head, size);
    memcpy(answer + size, event, strlen(event));
    invocations[current].measured = measured;
    invocations[current].handed_out = now();
    send_all(connection->fd, answer, size + strlen(event));
    free(answer);
}

// --- requests ---------------------------------------------------------------------------------------------------------

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
    return true;
}

// False if the connection has ended.
static bool take_response(struct reader *connection, struct request *request) {
    struct invocation *invocation = &invocations[current];
    struct response response = {.invocation = invocation, .in_prelude = request->prelude};
    bool whole = request->chunked ? take_chunks(connection, &response)
                                  : take_bytes(connection, &response, request->length);
    bool failing = options.failing && invocation->measured;
    if (!whole && !failing)
        fail("the connection ended inside a response");
    if (invocation->trailers[0] != '\0' && !failing)
        fail("the stream ended in an error: %s", invocation->trailers);
    invocation->last_byte = connection->received;
    invocation->streamed = request->streamed;
    invocation->cut = !whole;
    finished = failing;
    static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
    if (whole)
        send_all(connection->fd, accepted, sizeof accepted - 1);
    return whole;
}

// The Extensions API, as far as an extension without events needs it.
static void register_extension(struct reader *connection, struct request *request) {
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

// False if the connection has ended.
static bool serve(struct reader *connection) {
    struct request request;
    if (!read_request(connection, &request))
        return false;
    if (request.expects_continue)
        send_all(connection->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (strstr(request.path, "/invocation/next") != NULL) {
        hand_out(connection);
    } else if (strstr(request.path, "/response") != NULL && current >= 0) {
        return take_response(connection, &request);
    } else if (strstr(request.path, "/extension/register") != NULL) {
        register_extension(connection, &request);
    } else if (strstr(request.path, "/extension/event/next") != NULL) {
        // It waits for an event that never comes.
    } else {
        fill(connection);
        size_t size = connection->end - connection->start;
        fail("unexpected: %s %.*s", request.path, (int)size, connection->buffer + connection->start);
    }
    return true;
}

// --- the loop ---------------------------------------------------------------------------------------------------------

static int listen_on_loopback(int *port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, MAX_CONNECTIONS) != 0)
        fail("cannot listen: %s", strerror(errno));
    getsockname(listener, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    return listener;
}

static void run(int listener) {
    struct pollfd polled[1 + MAX_CONNECTIONS] = {{.fd = listener, .events = POLLIN}};
    struct reader *readers[1 + MAX_CONNECTIONS];
    int count = 1;
    while (!finished) {
        if (poll(polled, count, 100) == 0)
            check_client();
        for (int i = count - 1; i > 0 && !finished; i--) {
            if (polled[i].revents == 0 || serve(readers[i]))
                continue;
            close(polled[i].fd);
            free(readers[i]);
            polled[i] = polled[--count];
            readers[i] = readers[count];
        }
        if (polled[0].revents != 0) {
            if (count > MAX_CONNECTIONS)
                fail("the client opened more than %d connections", MAX_CONNECTIONS);
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            send_now(fd);
            readers[count] = new_reader(fd);
            if (options.rate > 0)
                readers[count]->limit = 64 * 1024;
            polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
}

static void print_text(const char *name, const char *text) {
    printf(", \"%s\": \"", name);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

static void print_invocation(const struct invocation *it) {
    printf("{\"first_byte_ns\": %ld, \"last_byte_ns\": %ld, \"body\": %ld, \"chunks\": %ld, \"streamed\": %s, \"cut\": %s",
        it->first_byte - it->handed_out, it->last_byte - it->handed_out, it->body, it->chunks,
        it->streamed ? "true" : "false", it->cut ? "true" : "false");
    if (options.failing) {
        print_text("tail", it->tail);
        print_text("trailers", it->trailers);
    }
    putchar('}');
}

static void print_figures(void) {
    printf("{\"first_next_ns\": %ld, \"cpu_at_first_next_ns\": %ld, \"first_byte_ns\": %ld, \"resident_kb\": %ld",
        first_next - started, cpu_at_first_next, invocations[0].first_byte - started, resident_kb);
    if (!options.failing) // else the client may have ended
        printf(", \"run_ns\": %ld, \"peak_before_kb\": %ld, \"peak_kb\": %ld, \"proportional_kb\": %ld",
            sum_over_all(run_time_of, NULL) - run_before, peak_before_kb, memory_of_all("status", "VmHWM:"),
            memory_of_all("smaps_rollup", "Pss:"));
    stop_client();
    printf(", \"cpu_ns\": %ld, \"ahead\": %ld, \"invocations\": [", cpu_of_all(), ahead_bytes);
    for (long i = options.warm_up != NULL; i < total(); i++) {
        if (i > (options.warm_up != NULL))
            printf(", ");
        print_invocation(&invocations[i]);
    }
    printf("], \"delays_ns\": [");
    for (size_t i = 0; i < delay_count; i++)
        printf("%s%ld", i ? ", " : "", delays[i]);
    printf("]}\n");
}

int main(int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "+e:n:w:sr:h:fut:")) != -1;) {
        switch (option) {
        case 'e': options.event = optarg; break;
        case 'n': options.count = atol(optarg); break;
        case 'w': options.warm_up = optarg; break;
        case 's': options.stamped = true; break;
        case 'r': options.rate = atol(optarg); break;
        case 'h': options.stop_ms = atol(optarg); break;
        case 'f': options.failing = true; break;
        case 'u': options.unpinned = true; break;
        case 't': options.patience = atoi(optarg); break;
        default: return 2;
        }
    }
    if (argv[optind] == NULL)
        fail("which client?");
    invocations = calloc(total() + 1, sizeof *invocations);
    signal(SIGALRM, give_up);
    alarm(options.patience);
    atexit(stop_client);
    int port, listener = listen_on_loopback(&port);
    start_client(argv + optind, port, !options.unpinned);
    run(listener);
    print_figures();
    return 0;
}
