// A Lambda Runtime API that measures its client. It starts the client, hands out invocations, takes the responses as
// fast as they come, and prints what it saw as one JSON object.
//
// usage: server [OPTIONS] -- COMMAND...
//   -e EVENT    the event of every measured invocation
//   -n COUNT    how many of them (1); with 0 the first request for an invocation is the end
//   -w EVENT    the event of one invocation before them, which is not measured
//   -s          the body is lines of 19 digits, each the clock when it was written: measure the delay of each
//   -r BYTES    read no faster than this many bytes per second, as a slow client makes Lambda do
//   -t SECONDS  give up (60)
//
// One thread serves all connections: a runtime sends its requests one after the other. It has the last processor for
// itself and the client another one, as a function of up to 1769 MB has one.
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "wire.h"

enum { MAX_CONNECTIONS = 16, PRELUDE_END = 8 };
static const size_t DISCARD_FROM = 32 * 1024; // from here on the kernel drops bytes cheaper than it copies them

static struct {
    const char *event;
    const char *warm_up;
    long count;
    bool stamped;
    long rate;
    unsigned patience;
} options = {.event = "{}", .count = 1, .patience = 60};

struct invocation {
    int64_t handed_out; // times of CLOCK_MONOTONIC in nanoseconds
    int64_t first_byte; // of the body, after the prelude
    int64_t last_byte;
    long body;          // bytes, without the prelude
    long chunks;        // with the prelude's
    bool streamed;
};

static pid_t client;
static int64_t started, first_next, cpu_at_first_next;
static long resident_kb, peak_before_kb;
static struct invocation *invocations;
static long current = -1; // the warm-up, if there is one, is number 0
static bool finished;
static int64_t *delays;
static size_t delay_count, delay_capacity;

// --- the client's process ---------------------------------------------------------------------------------------------

static void pin_to(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("sched_setaffinity: %s", strerror(errno));
}

static void start_client(char **command, int port) {
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    setenv("AWS_LAMBDA_RUNTIME_API", address, 1);
    int processors = sysconf(_SC_NPROCESSORS_ONLN);
    started = now();
    client = fork();
    if (client == 0) {
        setpgid(0, 0); // so that its own children end with it
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (processors > 1)
            pin_to(0);
        dup2(STDERR_FILENO, STDOUT_FILENO); // standard output is for the figures
        execvp(command[0], command);
        fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    setpgid(client, client);
    if (processors > 1)
        pin_to(processors - 1);
}

static void stop_client(void) {
    if (client > 0) {
        kill(-client, SIGKILL);
        waitpid(client, NULL, 0);
    }
}

static void give_up(int signal) {
    (void)signal;
    static const char message[] = "server: the client took too long\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0) {}
    kill(-client, SIGKILL);
    _exit(1);
}

static void check_client(void) {
    int status;
    if (waitpid(client, &status, WNOHANG) == client) {
        client = 0;
        fail("the client ended by itself, status %#x", status);
    }
}

// The processor time that the client's process has taken, all of its threads together.
static int64_t client_cpu(void) {
    clockid_t clock;
    struct timespec time = {0};
    if (clock_getcpuclockid(client, &clock) != 0 || clock_gettime(clock, &time) != 0)
        fail("the client has no clock");
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

// A field of /proc/PID/status, such as "VmRSS:", in KiB.
static long client_memory(const char *field) {
    char name[64], line[256];
    snprintf(name, sizeof name, "/proc/%d/status", client);
    FILE *file = fopen(name, "r");
    long value = -1;
    while (file != NULL && value < 0 && fgets(line, sizeof line, file) != NULL)
        if (has_prefix(line, field))
            value = atol(line + strlen(field));
    if (value < 0)
        fail("%s has no %s", name, field);
    fclose(file);
    return value;
}

// --- handing out ------------------------------------------------------------------------------------------------------

static long total(void) { return options.count + (options.warm_up != NULL); }

static void hand_out(struct reader *connection) {
    if (current < 0) {
        first_next = connection->received;
        cpu_at_first_next = client_cpu();
        resident_kb = client_memory("VmRSS:");
    }
    if (current + 1 == total()) {
        finished = true;
        return;
    }
    bool measured = ++current > 0 || options.warm_up == NULL;
    if (measured && current == (options.warm_up != NULL))
        peak_before_kb = client_memory("VmHWM:");
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
    invocations[current].handed_out = now();
    send_all(connection->fd, answer, size + strlen(event));
    free(answer);
}

// --- taking responses -------------------------------------------------------------------------------------------------

struct response {
    struct invocation *invocation;
    bool in_prelude;
    int nulls;     // in a row, at the end of what has come of the prelude
    int64_t stamp; // the digits of the current line so far
};

static void note_delays(struct response *response, const char *data, size_t size, int64_t received) {
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            response->stamp = response->stamp * 10 + (data[i] - '0');
            continue;
        }
        if (delay_count == delay_capacity) {
            delay_capacity = delay_capacity ? 2 * delay_capacity : 1 << 16;
            delays = realloc(delays, delay_capacity * sizeof *delays);
        }
        delays[delay_count++] = received - response->stamp;
        response->stamp = 0;
    }
}

static void take(struct response *response, const char *data, size_t size, int64_t received) {
    while (response->in_prelude && size > 0) {
        response->nulls = *data == '\0' ? response->nulls + 1 : 0;
        response->in_prelude = response->nulls < PRELUDE_END;
        data++;
        size--;
    }
    struct invocation *invocation = response->invocation;
    if (size > 0 && invocation->first_byte == 0)
        invocation->first_byte = received;
    invocation->body += size;
    if (options.stamped)
        note_delays(response, data, size, received);
}

static void throttle(struct invocation *invocation) {
    int64_t due = invocation->first_byte + (int64_t)(1e9 * invocation->body / options.rate);
    int64_t wait = due - now();
    if (invocation->first_byte != 0 && wait > 0)
        nanosleep(&(struct timespec){wait / 1000000000, wait % 1000000000}, NULL);
}

// Drops up to `size` bytes unseen; returns how many.
static size_t discard(struct reader *connection, struct invocation *invocation, size_t size) {
    ssize_t dropped = recv(connection->fd, NULL, size, MSG_TRUNC);
    if (dropped <= 0)
        fail("the connection ended inside a chunk");
    connection->received = now();
    invocation->body += dropped;
    return dropped;
}

static void take_bytes(struct reader *connection, struct response *response, size_t size) {
    bool unseen_will_do = size >= DISCARD_FROM && !options.stamped && options.rate == 0;
    while (size > 0) {
        bool buffered = connection->start < connection->end;
        if (!buffered && unseen_will_do && !response->in_prelude && response->invocation->first_byte != 0) {
            size -= discard(connection, response->invocation, size);
            continue;
        }
        if (!fill(connection))
            fail("the connection ended inside a body");
        size_t here = connection->end - connection->start;
        if (here > size)
            here = size;
        take(response, connection->buffer + connection->start, here, connection->received);
        connection->start += here;
        size -= here;
        if (options.rate > 0)
            throttle(response->invocation);
    }
}

static void take_chunks(struct reader *connection, struct response *response) {
    char line[8192];
    for (;;) {
        if (!read_line(connection, line, sizeof line))
            fail("the connection ended between chunks");
        size_t size = strtoul(line, NULL, 16);
        if (size == 0)
            break;
        response->invocation->chunks++;
        take_bytes(connection, response, size);
        if (!read_line(connection, line, sizeof line) || line[0] != '\0')
            fail("a chunk is longer than its size says");
    }
    while (read_line(connection, line, sizeof line) && line[0] != '\0')
        fail("the stream ended in an error: %s", line);
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

static void take_response(struct reader *connection, struct request *request) {
    struct invocation *invocation = &invocations[current];
    struct response response = {.invocation = invocation, .in_prelude = request->prelude};
    if (request->chunked)
        take_chunks(connection, &response);
    else
        take_bytes(connection, &response, request->length);
    invocation->last_byte = connection->received;
    invocation->streamed = request->streamed;
    static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
    send_all(connection->fd, accepted, sizeof accepted - 1);
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
        take_response(connection, &request);
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

static void print_figures(long peak_kb) {
    printf("{\"first_next_ns\": %ld, \"cpu_at_first_next_ns\": %ld, \"first_byte_ns\": %ld, \"resident_kb\": %ld, \"peak_before_kb\": %ld, "
           "\"peak_kb\": %ld, \"invocations\": [",
        first_next - started, cpu_at_first_next, invocations[0].first_byte - started, resident_kb, peak_before_kb, peak_kb);
    for (long i = options.warm_up != NULL; i < total(); i++) {
        struct invocation *it = &invocations[i];
        printf("%s{\"first_byte_ns\": %ld, \"last_byte_ns\": %ld, \"body\": %ld, \"chunks\": %ld, \"streamed\": %s}",
            i > (options.warm_up != NULL) ? ", " : "", it->first_byte - it->handed_out,
            it->last_byte - it->handed_out, it->body, it->chunks, it->streamed ? "true" : "false");
    }
    printf("], \"delays_ns\": [");
    for (size_t i = 0; i < delay_count; i++)
        printf("%s%ld", i ? ", " : "", delays[i]);
    printf("]}\n");
}

int main(int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "+e:n:w:sr:t:")) != -1;) {
        switch (option) {
        case 'e': options.event = optarg; break;
        case 'n': options.count = atol(optarg); break;
        case 'w': options.warm_up = optarg; break;
        case 's': options.stamped = true; break;
        case 'r': options.rate = atol(optarg); break;
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
    start_client(argv + optind, port);
    run(listener);
    print_figures(client_memory("VmHWM:"));
    return 0;
}
