// The function that is measured: its processes, where they run, and what they take. They are one process group.
#pragma once

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "wire.h"

static pid_t client; // the process that was started; the others are its children
static int64_t started;

static void pin_to(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("sched_setaffinity: %s", strerror(errno));
}

// With `pinned`, all of the function's processes run on the first processor, and this one on the last.
static void start_client(char **command, int port, bool pinned) {
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    setenv("AWS_LAMBDA_RUNTIME_API", address, 1);
    int processors = sysconf(_SC_NPROCESSORS_ONLN);
    prctl(PR_SET_CHILD_SUBREAPER, 1); // the children of the client end as this process's, so that their time is counted
    started = now();
    client = fork();
    if (client == 0) {
        setpgid(0, 0); // so that its own children end with it
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pinned && processors > 1)
            pin_to(0);
        dup2(STDERR_FILENO, STDOUT_FILENO); // standard output is for the figures
        execvp(command[0], command);
        fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    setpgid(client, client);
    if (pinned && processors > 1)
        pin_to(processors - 1);
}

static void stop_client(void) {
    if (client <= 0)
        return;
    kill(-client, SIGKILL);
    while (waitpid(-client, NULL, 0) > 0) {}
    client = 0;
}

// The processor time that all of the client's processes have taken. They have to have ended.
static int64_t cpu_of_all(void) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    int64_t seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
    return (seconds * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
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
        kill(-client, SIGKILL); // its children
        client = 0;
        fail("the client ended by itself, status %#x", status);
    }
}

// The processor time that the first of the client's processes has taken, all of its threads together.
static int64_t client_cpu(void) {
    clockid_t clock;
    struct timespec time = {0};
    if (clock_getcpuclockid(client, &clock) != 0 || clock_gettime(clock, &time) != 0)
        fail("the client has no clock");
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

// A field of /proc/PID/NAME in KiB, such as "VmRSS:" of "status"; -1 if there is none.
static long memory_of(int pid, const char *name, const char *field) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "r");
    long value = -1;
    while (file != NULL && value < 0 && fgets(line, sizeof line, file) != NULL)
        if (has_prefix(line, field))
            value = atol(line + strlen(field));
    if (file != NULL)
        fclose(file);
    return value;
}

// Calls `read` for each of the function's processes, and sums up. It looks at every process of the machine, which takes
// a while.
static int64_t sum_over_all(int64_t (*read)(int pid, const void *what), const void *what) {
    DIR *processes = opendir("/proc");
    int64_t sum = 0;
    for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
        int pid = atoi(entry->d_name);
        if (pid == 0 || getpgid(pid) != client)
            continue;
        int64_t value = read(pid, what);
        sum += value > 0 ? value : 0;
    }
    closedir(processes);
    return sum;
}

struct field {
    const char *file, *name;
};

static int64_t field_of(int pid, const void *what) {
    const struct field *field = what;
    return memory_of(pid, field->file, field->name);
}

static long memory_of_all(const char *file, const char *name) {
    long sum = sum_over_all(field_of, &(struct field){file, name});
    if (sum == 0)
        fail("the client's processes have no %s", name);
    return sum;
}

// The nanoseconds that the threads of a process have run.
static int64_t run_time_of(int pid, const void *unused) {
    (void)unused;
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    int64_t sum = 0;
    for (struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        long long run = 0;
        if (file != NULL && fscanf(file, "%lld", &run) == 1)
            sum += run;
        if (file != NULL)
            fclose(file);
    }
    if (threads != NULL)
        closedir(threads);
    return sum;
}
