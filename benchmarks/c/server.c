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
//   -c COUNT    invocations at a time (1): the first one is handed out when so many are asked for, and of -w there are
//               as many
//   -g NS       between the first COUNT measured invocations, so that they are not in step (0)
//   -m MS       after the measured invocations COUNT others begin, and so long later their memory is read, which is the
//               end; without it memory is read after the last response
//
// One thread serves all connections. Without -u it has the last processor for itself and all of the client's processes
// another one, as a function of up to 1769 MB has one.
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>

#include "figures.h"
#include "function.h"
#include "request.h"

enum { EVENTS = 64, LOOK_AFTER_MS = 100 };

struct connection {
    struct reader *reader;
    struct response response; // under way, if it has an invocation
    bool streamed;
};

static int64_t first_next, cpu_at_first_next;
static long resident_kb, peak_before_kb, held_kb;
static int64_t run_before, run_after; // what the client's threads had run before and after the measured invocations
static struct invocation *invocations; // the warm-ups, if there are any, come first
static long handed_out, wave_end;      // a wave of invocations begins when those of the last one have ended
static struct connection **idle;       // wait for an invocation
static long idle_count;
static int64_t next_due, held_due; // 0 if nothing is due
static bool finished;

// --- handing out ------------------------------------------------------------------------------------------------------

static long warm_ups(void) { return options.warm_up != NULL ? options.at_a_time : 0; }

static long measured_end(void) { return warm_ups() + options.count; }

static long total(void) { return measured_end() + (options.held_ms > 0 ? options.at_a_time : 0); }

static void note_start(void) {
    first_next = idle[idle_count - 1]->reader->received;
    cpu_at_first_next = options.at_a_time > 1 ? sum_over_all(run_time_of, NULL) : client_cpu();
    resident_kb = memory_of(client, "status", "VmRSS:");
}

static void begin_wave(void) {
    if (handed_out == 0)
        note_start();
    if (handed_out == total()) {
        finished = true;
        return;
    }
    if (handed_out < warm_ups()) {
        wave_end = warm_ups();
    } else if (handed_out < measured_end()) {
        wave_end = measured_end();
        if (options.warm_up != NULL) { // without a warm-up, this would be a part of the start
            peak_before_kb = memory_of_all("status", "VmHWM:");
            run_before = sum_over_all(run_time_of, NULL);
        }
        next_due = now();
    } else {
        run_after = sum_over_all(run_time_of, NULL);
        wave_end = total();
    }
}

static void hand_out(struct connection *connection) {
    struct invocation *invocation = &invocations[handed_out];
    invocation->measured = handed_out >= warm_ups() && handed_out < measured_end();
    invocation->handed_out = now();
    send_invocation(connection->reader, handed_out, handed_out < warm_ups() ? options.warm_up : options.event);
    handed_out++;
    if (next_due != 0)
        next_due = handed_out < warm_ups() + options.at_a_time ? next_due + options.gap_ns : 0;
    if (handed_out > measured_end() && handed_out == total())
        held_due = now() + options.held_ms * 1000000;
}

// Hands out what can be handed out now.
static void dispatch(void) {
    while (idle_count > 0 && !finished) {
        if (handed_out == wave_end) {
            if (idle_count < options.at_a_time)
                return;
            begin_wave();
        } else if (next_due > now()) {
            return;
        } else {
            hand_out(idle[--idle_count]);
        }
    }
}

// --- serving ----------------------------------------------------------------------------------------------------------

// False if the connection has ended.
static bool take_more(struct connection *connection, const struct request *request) {
    struct response *response = &connection->response;
    struct invocation *invocation = response->invocation;
    enum progress progress;
    if (request == NULL || request->chunked)
        progress = take_chunks(connection->reader, response);
    else
        progress = take_bytes(connection->reader, response, request->length) ? COMPLETE : CUT;
    if (progress == UNDER_WAY)
        return true;
    bool failing = options.failing && invocation->measured;
    if (progress == CUT && !failing)
        fail("the connection ended inside a response");
    if (invocation->trailers[0] != '\0' && !failing)
        fail("the stream ended in an error: %s", invocation->trailers);
    invocation->last_byte = connection->reader->received;
    invocation->streamed = connection->streamed;
    invocation->cut = progress == CUT;
    response->invocation = NULL;
    finished = failing;
    if (progress == COMPLETE)
        accept_response(connection->reader);
    return progress == COMPLETE;
}

static bool take_response(struct connection *connection, const struct request *request) {
    long number = number_of(request);
    if (number < 0 || number >= handed_out)
        fail("a response to no invocation: %s", request->path);
    connection->response = (struct response){.invocation = &invocations[number], .in_prelude = request->prelude};
    connection->streamed = request->streamed;
    return take_more(connection, request);
}

// False if the connection has ended.
static bool serve(struct connection *connection) {
    if (connection->response.invocation != NULL) {
        if (!fill(connection->reader))
            fail("the connection ended inside a response");
        return take_more(connection, NULL);
    }
    struct request request;
    if (!read_request(connection->reader, &request))
        return false;
    if (is_for(&request, "/invocation/next")) {
        if (idle_count == options.at_a_time)
            fail("the client asks for more than %ld invocations at a time", options.at_a_time);
        idle[idle_count++] = connection;
        dispatch();
    } else if (is_for(&request, "/response") && handed_out > 0) {
        return take_response(connection, &request);
    } else if (is_for(&request, "/extension/register")) {
        register_extension(connection->reader, &request);
    } else if (is_for(&request, "/extension/event/next")) {
        // It waits for an event that never comes.
    } else {
        fill(connection->reader);
        size_t size = connection->reader->end - connection->reader->start;
        fail("unexpected: %s %.*s", request.path, (int)size, connection->reader->buffer + connection->reader->start);
    }
    return true;
}

// --- the loop ---------------------------------------------------------------------------------------------------------

static int listen_on_loopback(int *port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, SOMAXCONN) != 0)
        fail("cannot listen: %s", strerror(errno));
    getsockname(listener, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    return listener;
}

static void watch(int poller, int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = what}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static void open_connection(int poller, int listener) {
    struct connection *connection = calloc(1, sizeof *connection);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        fail("accept: %s", strerror(errno));
    send_now(fd);
    connection->reader = new_reader(fd);
    if (options.rate > 0)
        connection->reader->limit = 64 * 1024;
    watch(poller, fd, connection);
}

static void close_connection(struct connection *connection) {
    for (long i = 0; i < idle_count; i++)
        if (idle[i] == connection)
            idle[i--] = idle[--idle_count];
    close(connection->reader->fd); // this takes it from the poller too
    free(connection->reader);
    free(connection);
}

// Waits for the client, or until something is due, but no longer than until the client is to be looked after.
static int wait_for_events(int poller, struct epoll_event *events) {
    int64_t due = next_due != 0 ? next_due : held_due, longest = LOOK_AFTER_MS * 1000000;
    if (due == 0)
        return epoll_wait(poller, events, EVENTS, LOOK_AFTER_MS);
    int64_t left = due - now(), wait = left < 0 ? 0 : left < longest ? left : longest;
    ppoll(&(struct pollfd){.fd = poller, .events = POLLIN}, 1, &(struct timespec){0, wait}, NULL);
    return epoll_wait(poller, events, EVENTS, 0);
}

static void run(int listener) {
    struct epoll_event events[EVENTS];
    int poller = epoll_create1(EPOLL_CLOEXEC);
    watch(poller, listener, NULL);
    while (!finished) {
        int count = wait_for_events(poller, events);
        if (count <= 0)
            check_client();
        for (int i = 0; i < count && !finished; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL)
                open_connection(poller, listener);
            else if (!serve(connection))
                close_connection(connection);
        }
        dispatch();
        if (held_due != 0 && held_due <= now()) {
            held_kb = memory_of_all("smaps_rollup", "Pss:");
            finished = true;
        }
    }
}

static void print_figures(void) {
    const struct invocation *first = invocations + warm_ups(), *end = invocations + measured_end();
    printf("{\"first_next_ns\": %ld, \"cpu_at_first_next_ns\": %ld, \"first_byte_ns\": %ld, \"resident_kb\": %ld",
        first_next - started, cpu_at_first_next, invocations[0].first_byte - started, resident_kb);
    if (!options.failing) { // else the client may have ended
        if (run_after == 0)
            run_after = sum_over_all(run_time_of, NULL);
        if (held_kb == 0) // those that were to be looked at have ended before
            held_kb = memory_of_all("smaps_rollup", "Pss:");
        printf(", \"run_ns\": %ld, \"peak_before_kb\": %ld, \"peak_kb\": %ld, \"proportional_kb\": %ld",
            run_after - run_before, peak_before_kb, memory_of_all("status", "VmHWM:"), held_kb);
    }
    stop_client();
    printf(", \"cpu_ns\": %ld, \"ahead\": %ld", cpu_of_all(), ahead_bytes);
    printf(", \"duration_ns\": %ld", duration_of(first, end));
    print_invocations(first, end);
    print_delays();
    printf("}\n");
}

int main(int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "+e:n:w:sr:h:fut:c:g:m:")) != -1;) {
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
        case 'c': options.at_a_time = atol(optarg); break;
        case 'g': options.gap_ns = atol(optarg); break;
        case 'm': options.held_ms = atol(optarg); break;
        default: return 2;
        }
    }
    if (argv[optind] == NULL)
        fail("which client?");
    invocations = calloc(total() + 1, sizeof *invocations);
    idle = calloc(options.at_a_time, sizeof(struct connection *));
    signal(SIGALRM, give_up);
    alarm(options.patience);
    atexit(stop_client);
    int port, listener = listen_on_loopback(&port);
    start_client(argv + optind, port, !options.unpinned);
    run(listener);
    print_figures();
    return 0;
}
