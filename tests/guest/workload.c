/* What guests of test_simulator.py run, without a library's own habits in the way.
 *
 * workload hold MIB             takes so much memory, touches all of it, and keeps it
 * workload use FILE SKIP MIB    maps a part of a file and touches all of it again and again
 *
 * Prints "ready" once all of it was touched; ends when it is killed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1UL << 20)
#define PAGE 4096UL

static unsigned char* map(int argc, char** argv, size_t* length) {
    if (argc == 3 && strcmp(argv[1], "hold") == 0) {
        *length = strtoul(argv[2], NULL, 10) * MIB;
        return mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (argc == 5 && strcmp(argv[1], "use") == 0) {
        const int file = open(argv[2], O_RDONLY);
        *length = strtoul(argv[4], NULL, 10) * MIB;
        if (file < 0) return MAP_FAILED;
        return mmap(NULL, *length, PROT_READ, MAP_SHARED, file,
                    (off_t)(strtoul(argv[3], NULL, 10) * MIB));
    }
    return MAP_FAILED;
}

int main(int argc, char** argv) {
    size_t length = 0;
    unsigned char* memory = map(argc, argv, &length);
    if (memory == MAP_FAILED) {
        perror("workload");
        return 1;
    }
    const int writes = strcmp(argv[1], "hold") == 0;
    unsigned sum = 0;
    for (int round = 0;; ++round) {
        for (size_t at = 0; at < length; at += PAGE) {
            if (writes)
                memory[at] = 1;
            else
                sum += *(volatile unsigned char*)(memory + at);
        }
        if (round == 0) {
            puts("ready");
            fflush(stdout);
        }
        usleep(500000);
    }
    return (int)sum;
}
