/* A backend with one domain of 1 GiB, which misbehaves in the way that its setting `behaviour`
 * names. Built several times: VERSION, MAGIC and the like make descriptions that are wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hv_backends/module_abi.h"

#ifndef MAGIC
#define MAGIC BALLAST_MODULE_MAGIC
#endif
#ifndef VERSION
#define VERSION BALLAST_MODULE_VERSION
#endif
#ifndef SIZE
#define SIZE sizeof(struct ballast_backend_module)
#endif
#ifndef NEEDS
#define NEEDS 0
#endif
#ifndef APPLY
#define APPLY apply
#endif
#ifndef BEHAVIOUR
#define BEHAVIOUR none
#endif
#define TEXT_OF(word) #word
#define TEXT(word) TEXT_OF(word)
#ifndef SYMBOL
#define SYMBOL ballast_module
#endif

#define GIB (UINT64_C(1) << 30)

struct instance {
    const struct ballast_host *host;
    char behaviour[32];
    uint64_t loaned_bytes;
    uint64_t observations;
};

static int behaves(const struct instance *instance, const char *behaviour) {
    return strcmp(instance->behaviour, behaviour) == 0;
}

#ifdef CONSTRUCTOR
/* Leaves a trace in the process whose loader ran this, and in the file that it names. */
__attribute__((constructor)) static void leave_trace(void) {
    const char *trace = getenv("BALLAST_TEST_TRACE");
    FILE *file = trace == NULL ? NULL : fopen(trace, "w");
    if (file != NULL) fclose(file);
    setenv("BALLAST_TEST_CONSTRUCTOR", "ran", 1);
}
#endif

static void sleep_for_good(void) {
    for (;;) pause();
}

static int32_t create(const struct ballast_host *host, const struct ballast_config *config,
                      void **made, struct ballast_error *error) {
    struct instance *instance = calloc(1, sizeof(*instance));
    if (instance == NULL) return BALLAST_IO;
    instance->host = host;
    strncpy(instance->behaviour, config->settings[0].value, sizeof(instance->behaviour) - 1);
    if (behaves(instance, "crash")) abort();
    if (behaves(instance, "exit")) _exit(7);
    if (behaves(instance, "leave")) _exit(0);
    if (behaves(instance, "hang")) sleep_for_good();
    if (behaves(instance, "refuse")) {
        strcpy(error->text, "the hypervisor is of the wrong kind");
        error->sys_errno = 22;
        free(instance);
        return BALLAST_INVALID_ARGUMENT;
    }
    if (behaves(instance, "no_instance")) {
        free(instance);
        return BALLAST_OK;
    }
    *made = instance;
    return BALLAST_OK;
}

static void destroy(void *self) {
    free(self);
}

static void capabilities(void *self, struct ballast_capabilities *into) {
    if (behaves(self, "endless_text")) memset(into->description, 'x', sizeof(into->description));
    else strcpy(into->description, "one domain");
    into->reports_oom = 1;
}

static int32_t start(void *self, struct ballast_error *error) {
    if (behaves(self, "away")) {
        strcpy(error->text, "nobody is there");
        return BALLAST_UNAVAILABLE;
    }
    if (behaves(self, "crash_in_start")) abort();
    return behaves(self, "odd_status") ? 4711 : BALLAST_OK;
}

static void stop(void *self) {
    (void)self;
}

static int32_t observe(void *self, struct ballast_observation *into, struct ballast_error *error) {
    struct instance *instance = self;
    const int twice = behaves(instance, "twice");
    (void)error;
    if (behaves(instance, "hang_in_observe")) sleep_for_good();
    if (behaves(instance, "hang_later") && instance->observations > 2) sleep_for_good();
    if (behaves(instance, "fail_in_observe")) return BALLAST_IO; /* and says nothing */
    if (behaves(instance, "too_many"))
        return into->resize(into, UINT64_MAX) == 0 ? BALLAST_OK : BALLAST_IO;
    if (into->columns.rows != (twice ? 2u : 1u) && into->resize(into, twice ? 2 : 1) != 0)
        return BALLAST_IO;
    if (instance->observations++ == 0) {
        uint64_t row;
        for (row = 0; row < into->columns.rows; ++row) {
            memset(into->columns.key[row], 7, sizeof(into->columns.key[row]));
            if (!behaves(instance, "nameless")) into->set_name(into, row, "only");
            if (behaves(instance, "hosts")) into->set_host(into, row, "alpha");
        }
        into->membership++;
    }
    if (behaves(instance, "silent_growth") && instance->observations == 2 &&
        into->resize(into, 3) != 0)
        return BALLAST_IO;
    into->columns.page_shift[0] = behaves(instance, "odd_pages") ? 60 : 12;
    into->columns.flags[0] = behaves(instance, "odd_flags") ? 0xf000 : 0;
    into->columns.total_bytes[0] = behaves(instance, "odd_size") ? UINT64_MAX - 1 : GIB;
    into->columns.loaned_bytes[0] = behaves(instance, "odd_loan") ? 2 * GIB : instance->loaned_bytes;
    into->columns.loan_request_bytes[0] = behaves(instance, "odd_request") ? INT64_MIN : 0;
    into->host_total_bytes = 4 * GIB;
    into->host_available_bytes = 2 * GIB;
    if (behaves(instance, "nodes") || behaves(instance, "odd_nodes")) {
        const uint32_t second = behaves(instance, "odd_nodes") ? 1 : 2;
        into->nodes[0] = (struct ballast_node){1, 0, GIB, GIB / 2, GIB / 4};
        into->nodes[1] = (struct ballast_node){second, 0, GIB, 0, BALLAST_UNKNOWN_BYTES};
        into->node_count = 2;
        into->node_mask[0] = 1u << 2;
    }
    return BALLAST_OK;
}

__attribute__((unused)) static void apply(void *self, const struct ballast_step *step, struct ballast_outcome *into) {
    struct instance *instance = self;
    if (behaves(instance, "fail_in_apply")) {
        into->status = BALLAST_STEP_FAILED;
        into->loaned_bytes = step->loaned_from_bytes;
        strcpy(into->detail, "the wire is cut");
        return;
    }
    if (behaves(instance, "odd_outcome")) {
        into->status = 99;
        return;
    }
    if (behaves(instance, "false_done")) {
        into->status = BALLAST_STEP_DONE;
        into->loaned_bytes = step->loaned_to_bytes + 4096;
        return;
    }
    instance->loaned_bytes = step->loaned_to_bytes;
    into->status = BALLAST_STEP_DONE;
    into->loaned_bytes = step->loaned_to_bytes;
}

static void set_guest_tunables(void *self, const uint8_t domain[16],
                               const struct ballast_guest_tunables *tunables) {
    (void)self;
    (void)domain;
    (void)tunables;
}

static void adopt(void *self, const struct ballast_loan *loans, uint64_t count) {
    struct instance *instance = self;
    if (count > 0) instance->loaned_bytes = loans[0].loaned_bytes;
}

static const struct ballast_setting_schema settings[] = {
    {"behaviour", "how it misbehaves", TEXT(BEHAVIOUR), BALLAST_SETTING_TEXT, 0, 0},
    {"level", "a number", "1", BALLAST_SETTING_INTEGER, 1, 9},
    {"flag", "a choice", "false", BALLAST_SETTING_BOOLEAN, 0, 0},
};

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const struct ballast_backend_module SYMBOL;
const struct ballast_backend_module SYMBOL = {
    .magic = MAGIC,
    .version = VERSION,
    .size = SIZE,
    .features = BALLAST_FEATURE_ADOPT,
    .needs = NEEDS,
    .name = "odd",
    .description = "a backend that misbehaves",
    .module_version = "1",
    .settings = settings,
    .setting_count = 3,
    .create = create,
    .destroy = destroy,
    .capabilities = capabilities,
    .start = start,
    .stop = stop,
    .observe = observe,
    .apply = APPLY,
    .set_guest_tunables = set_guest_tunables,
    .adopt = adopt,
};
