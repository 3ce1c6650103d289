/* Starts a guest's next kernel by kexec, as tests of test_shrunk.py need it.
 *
 * kexec FILE SIZE_OF_KERNEL SIZE_OF_INITRAMFS COMMAND_LINE
 *
 * FILE holds the two behind each other, from its second MiB on. Does not return where it works. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int copy(int from, const char* name, long left) {
    static char block[65536];
    const int into = memfd_create(name, 0);
    while (into >= 0 && left > 0) {
        const size_t wanted = left < (long)sizeof block ? (size_t)left : sizeof block;
        const ssize_t got = read(from, block, wanted);
        if (got <= 0 || write(into, block, (size_t)got) != got) return -1;
        left -= got;
    }
    return into;
}

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const int file = open(argv[1], O_RDONLY);
    if (file < 0 || lseek(file, 1L << 20, SEEK_SET) < 0) {
        perror(argv[1]);
        return 1;
    }
    const int kernel = copy(file, "kernel", atol(argv[2]));
    const int initramfs = kernel < 0 ? -1 : copy(file, "initramfs", atol(argv[3]));
    if (initramfs < 0) {
        perror("copy");
        return 1;
    }
    if (syscall(SYS_kexec_file_load, kernel, initramfs, strlen(argv[4]) + 1, argv[4], 0L) != 0) {
        perror("kexec_file_load");
        return 1;
    }
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
    perror("reboot");
    return 1;
}
