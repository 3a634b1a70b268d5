/*
 * The floor to measure against: start processes as a service for tasks has to, and do nothing else.
 *
 *   spawn_loop COUNT IN_FLIGHT FOLDER PROGRAM
 *
 * Runs PROGRAM COUNT times, IN_FLIGHT at once, each in a directory of its own with a working
 * directory, stdout.txt and stderr.txt. Prints the seconds it took and the seconds of CPU that it
 * and its children used.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

static double cpu_seconds(int who) {
    struct rusage usage;
    if (getrusage(who, &usage) != 0)
        err(1, "getrusage");
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static double now(void) {
    struct timespec time;
    if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
        err(1, "clock_gettime");
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int create(const char *directory, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        err(1, "%s", path);
    return file;
}

static void start(const char *folder, int number, const char *program) {
    char directory[4000], working_directory[4096];
    snprintf(directory, sizeof directory, "%s/task-%d", folder, number);
    snprintf(working_directory, sizeof working_directory, "%s/wd", directory);
    if (mkdir(directory, 0755) != 0 || mkdir(working_directory, 0755) != 0)
        err(1, "%s", working_directory);
    int output = create(directory, "stdout.txt");
    int errors = create(directory, "stderr.txt");

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, working_directory);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    char *arguments[] = {(char *)program, NULL};
    pid_t child;
    errno = posix_spawn(&child, program, &actions, NULL, arguments, environ);
    if (errno != 0)
        err(1, "%s", program);
    posix_spawn_file_actions_destroy(&actions);
    close(output);
    close(errors);
}

static void reap(void) {
    int status;
    if (wait(&status) < 0)
        err(1, "wait");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        errx(1, "a child failed");
}

int main(int argc, char **argv) {
    if (argc != 5)
        errx(2, "usage: spawn_loop COUNT IN_FLIGHT FOLDER PROGRAM");
    int count = atoi(argv[1]), in_flight = atoi(argv[2]);

    double start_time = now();
    for (int number = 0; number < count; number++) {
        if (number >= in_flight)
            reap();
        start(argv[3], number, argv[4]);
    }
    for (int left = count < in_flight ? count : in_flight; left > 0; left--)
        reap();
    double elapsed = now() - start_time;

    printf("%.6f %.6f\n", elapsed, cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN));
    return 0;
}
