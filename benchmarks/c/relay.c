// Stands for the AWS Lambda Web Adapter: starts a web server, polls the Runtime API and passes each invocation on to
// the server. It does less than the adapter (it does not even decode the chunks that it relays), so the web server's
// figures come out no worse than they would be behind the adapter.
//
// usage: relay PATH COMMAND...   PORT in the environment tells the command where to listen
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>

#include "runtime.h"

static const char LAST_CHUNK[] = "0\r\n\r\n";

// A port that is free now; bound without SO_REUSEADDR and closed, it is not given out again soon.
static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, size) != 0)
        fail("bind: %s", strerror(errno));
    getsockname(fd, (struct sockaddr *)&address, &size);
    close(fd);
    return ntohs(address.sin_port);
}

static void start_web_server(char **command, int port) {
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    setenv("PORT", text, 1);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(command[0], command);
        fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
}

// Waits until the web server accepts connections; the measuring server's patience is the limit.
static int connect_to_web_server(int port) {
    int fd;
    while ((fd = connect_to("127.0.0.1", port)) < 0)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return fd;
}

static void request_page(struct reader *web, const char *path, const struct invocation *invocation) {
    char request[512], line[1024];
    int size = snprintf(request, sizeof request, "GET %s?count=%ld&size=%ld HTTP/1.1\r\nHost: app\r\n\r\n", path,
        number(invocation, "\"count\": "), number(invocation, "\"size\": "));
    send_all(web->fd, request, size);
    bool chunked = false;
    do {
        if (!read_line(web, line, sizeof line))
            fail("the web server closed the connection");
        chunked |= has_prefix(line, "transfer-encoding: chunked");
    } while (line[0] != '\0');
    if (!chunked)
        fail("the web server does not stream");
}

// Passes the chunks on as they come. Their data is nothing but x, so that the last chunk cannot be mistaken.
static void relay_body(struct reader *web, struct reader *api) {
    char tail[sizeof LAST_CHUNK - 1] = "";
    while (memcmp(tail, LAST_CHUNK, sizeof tail) != 0) {
        if (!fill(web))
            fail("the web server closed the connection inside a response");
        const char *data = web->buffer + web->start;
        size_t size = web->end - web->start;
        send_all(api->fd, data, size);
        size_t kept = size < sizeof tail ? size : sizeof tail;
        memmove(tail, tail + kept, sizeof tail - kept);
        memcpy(tail + sizeof tail - kept, data + size - kept, kept);
        web->start = web->end;
    }
}

int main(int argc, char **argv) {
    if (argc < 3)
        fail("usage: relay PATH COMMAND...");
    int port = free_port();
    start_web_server(argv + 2, port);
    struct reader *web = new_reader(connect_to_web_server(port));
    struct reader *api = new_reader(connect_to_runtime_api());
    for (;;) {
        struct invocation invocation;
        next_invocation(api, &invocation);
        request_page(web, argv[1], &invocation);
        char start[1024];
        send_all(api->fd, start, response_start(&invocation, start, sizeof start));
        relay_body(web, api);
        end_response(api);
    }
}
