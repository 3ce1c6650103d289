/* A backend for Ballast whose domains are files of a folder: each holds two numbers, the memory of
 * the domain and what it lends, in KiB. A hypervisor that speaks through files, as it were.
 *
 *   cc -std=c11 -shared -fPIC -I/usr/local/include -o folder.so folder_backend.c
 */
#define _POSIX_C_SOURCE 200809L

#include <ballast/module_abi.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DOMAINS 256
#define KIB 1024u
#define MOST_KIB (UINT64_C(1) << 40)

struct domain {
    char name[200];
    uint64_t total_kib;
    uint64_t loaned_kib;
};

struct instance {
    const struct ballast_host *host;
    char folder[512];
    struct domain domains[MOST_DOMAINS]; /* a row each, as last observed */
    uint64_t count;
};

static int32_t fail(struct ballast_error *error, int32_t status, const char *what,
                    const char *which) {
    error->sys_errno = status == BALLAST_UNAVAILABLE ? errno : 0;
    snprintf(error->text, sizeof(error->text), "%s %s", what, which);
    return status;
}

/* The same name, the same key. A real hypervisor has UUIDs. */
static void key_of(const char *name, uint8_t key[16]) {
    uint64_t hash[2] = {UINT64_C(14695981039346656037), UINT64_C(1099511628211)};
    for (; *name != '\0'; ++name) {
        hash[0] = (hash[0] ^ (uint8_t)*name) * UINT64_C(1099511628211);
        hash[1] = (hash[1] + (uint8_t)*name) * UINT64_C(6364136223846793005);
    }
    memcpy(key, hash, 16);
}

/* 0, or -1 where the file is not what it should be. */
static int read_domain(const struct instance *self, struct domain *domain) {
    char path[1024];
    unsigned long long total = 0, loaned = 0;
    snprintf(path, sizeof(path), "%s/%s", self->folder, domain->name);
    FILE *file = fopen(path, "r");
    if (file == NULL) return -1;
    const int got = fscanf(file, "%llu %llu", &total, &loaned);
    fclose(file);
    if (got != 2 || total > MOST_KIB || loaned > total) return -1;
    domain->total_kib = total;
    domain->loaned_kib = loaned;
    return 0;
}

/* A new file in place of the old one: a reader never sees half of it. */
static int write_domain(const struct instance *self, const struct domain *domain) {
    char path[1024], fresh[1024];
    snprintf(path, sizeof(path), "%s/%s", self->folder, domain->name);
    snprintf(fresh, sizeof(fresh), "%s/.%s.new", self->folder, domain->name);
    FILE *file = fopen(fresh, "w");
    if (file == NULL) return -1;
    fprintf(file, "%llu %llu\n", (unsigned long long)domain->total_kib,
            (unsigned long long)domain->loaned_kib);
    if (fclose(file) != 0) return -1;
    return rename(fresh, path);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct domain *)a)->name, ((const struct domain *)b)->name);
}

/* ---- what the module offers ---- */

static int32_t create(const struct ballast_host *host, const struct ballast_config *config,
                      void **made, struct ballast_error *error) {
    /* Every setting of the schema is there, in its order. */
    const char *folder = config->settings[0].value;
    struct instance *self = calloc(1, sizeof(*self));
    if (self == NULL) return BALLAST_IO;
    if (strlen(folder) >= sizeof(self->folder)) {
        free(self);
        return fail(error, BALLAST_INVALID_ARGUMENT, "too long a name:", folder);
    }
    self->host = host;
    strcpy(self->folder, folder);
    *made = self;
    return BALLAST_OK;
}

static void destroy(void *instance) {
    free(instance);
}

static void capabilities(void *instance, struct ballast_capabilities *into) {
    const struct instance *self = instance;
    snprintf(into->description, sizeof(into->description), "files in %.200s", self->folder);
}

static int32_t start(void *instance, struct ballast_error *error) {
    const struct instance *self = instance;
    DIR *folder = opendir(self->folder);
    if (folder == NULL) return fail(error, BALLAST_UNAVAILABLE, "cannot open", self->folder);
    closedir(folder);
    return BALLAST_OK;
}

static void stop(void *instance) {
    (void)instance; /* no threads, nothing open */
}

static int32_t observe(void *instance, struct ballast_observation *into,
                       struct ballast_error *error) {
    struct instance *self = instance;
    static struct domain found[MOST_DOMAINS]; /* calls come one at a time */
    uint64_t count = 0, row;
    DIR *folder = opendir(self->folder);
    if (folder == NULL) return fail(error, BALLAST_UNAVAILABLE, "cannot open", self->folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL && count < MOST_DOMAINS;) {
        struct domain *domain = &found[count];
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof(domain->name)) continue;
        strcpy(domain->name, entry->d_name);
        if (read_domain(self, domain) == 0) ++count;
    }
    closedir(folder);
    qsort(found, count, sizeof(found[0]), by_name);

    /* Names and keys only where the rows are others than last time. */
    int same = count == self->count && into->membership != 0;
    for (row = 0; same && row < count; ++row)
        same = strcmp(found[row].name, self->domains[row].name) == 0;
    if (!same) {
        if (into->resize(into, count) != 0) return BALLAST_IO;
        for (row = 0; row < count; ++row) {
            key_of(found[row].name, into->columns.key[row]);
            into->set_name(into, row, found[row].name);
        }
        into->membership++;
    }
    memcpy(self->domains, found, count * sizeof(found[0]));
    self->count = count;

    for (row = 0; row < count; ++row) {
        into->columns.page_shift[row] = 12;
        into->columns.flags[row] = 0;
        into->columns.total_bytes[row] = found[row].total_kib * KIB;
        into->columns.loaned_bytes[row] = found[row].loaned_kib * KIB;
        into->columns.loan_request_bytes[row] = 0;
        into->columns.unused_bytes[row] = BALLAST_UNKNOWN_BYTES;
        into->columns.usable_bytes[row] = BALLAST_UNKNOWN_BYTES;
    }
    return BALLAST_OK;
}

static void apply(void *instance, const struct ballast_step *step, struct ballast_outcome *into) {
    struct instance *self = instance;
    uint8_t key[16];
    into->status = BALLAST_STEP_GONE;
    if (step->row >= self->count) return;
    struct domain *domain = &self->domains[step->row];
    key_of(domain->name, key);
    if (memcmp(key, step->domain, sizeof(key)) != 0 || read_domain(self, domain) != 0) return;

    const uint64_t before_kib = domain->loaned_kib;
    domain->loaned_kib = step->loaned_to_bytes / KIB;
    if (domain->loaned_kib <= domain->total_kib && write_domain(self, domain) == 0) {
        into->status = BALLAST_STEP_DONE;
        into->loaned_bytes = domain->loaned_kib * KIB;
        return;
    }
    domain->loaned_kib = before_kib;
    into->status = BALLAST_STEP_FAILED;
    into->constraint = BALLAST_CONSTRAINT_BACKEND_ERROR;
    into->loaned_bytes = before_kib * KIB;
    snprintf(into->detail, sizeof(into->detail), "cannot write %.200s", domain->name);
}

static void set_guest_tunables(void *instance, const uint8_t domain[16],
                               const struct ballast_guest_tunables *tunables) {
    (void)instance; /* these guests have no OOM notifier */
    (void)domain;
    (void)tunables;
}

static const struct ballast_setting_schema settings[] = {
    {"folder", "where the domains' files are", NULL, BALLAST_SETTING_TEXT, 0, 0},
};

const struct ballast_backend_module ballast_module = {
    .magic = BALLAST_MODULE_MAGIC,
    .version = BALLAST_MODULE_VERSION,
    .size = sizeof(struct ballast_backend_module),
    .name = "folder",
    .description = "domains that are files of a folder",
    .module_version = "1.0",
    .settings = settings,
    .setting_count = sizeof(settings) / sizeof(settings[0]),
    .create = create,
    .destroy = destroy,
    .capabilities = capabilities,
    .start = start,
    .stop = stop,
    .observe = observe,
    .apply = apply,
    .set_guest_tunables = set_guest_tunables,
};
