// Preloaded into ballastd: libvirt's statistics lack what virtio drivers before Linux 4.6 do not
// report.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <string.h>

int virConnectGetAllDomainStats(virConnectPtr connection, unsigned int stats,
                                virDomainStatsRecordPtr** records, unsigned int flags) {
    int (*real)(virConnectPtr, unsigned int, virDomainStatsRecordPtr**, unsigned int) =
        dlsym(RTLD_NEXT, "virConnectGetAllDomainStats");
    if (!real) abort();
    const int count = real(connection, stats, records, flags);
    for (int i = 0; i < count; ++i)
        for (int j = 0; j < (*records)[i]->nparams; ++j)
            if (strcmp((*records)[i]->params[j].field, "balloon.usable") == 0)
                strcpy((*records)[i]->params[j].field, "balloon.absent");
    return count;
}
