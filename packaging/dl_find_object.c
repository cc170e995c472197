/* _dl_find_object() for the static libgcc: glibc has it since 2.35 only, and libgcc since 12 calls it where glibc had it.
 *
 * libgcc uses it to find the unwind tables of an address, and did so with dl_iterate_phdr() before. With this copy the
 * library keeps running with glibc 2.34. An older libgcc or glibc at build time needs none, and this file is then empty. */
#define _GNU_SOURCE
#include <dlfcn.h>

#ifdef DLFO_STRUCT_HAS_EH_DBASE
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct search {
    uintptr_t address;
    struct dl_find_object *result;
};

static int search(struct dl_phdr_info *object, size_t size, void *data) {
    (void)size;
    const struct search *wanted = data;
    uintptr_t start = UINTPTR_MAX, end = 0;
    bool holds_it = false;
    void *tables = NULL;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t from = object->dlpi_addr + part->p_vaddr, to = from + part->p_memsz;
        if (part->p_type == PT_LOAD) {
            holds_it = holds_it || (from <= wanted->address && wanted->address < to);
            start = from < start ? from : start;
            end = to > end ? to : end;
        } else if (part->p_type == PT_GNU_EH_FRAME) {
            tables = (void *)from;
        }
    }
    if (!holds_it || !tables) return 0;
    memset(wanted->result, 0, sizeof *wanted->result);
    wanted->result->dlfo_map_start = (void *)start;
    wanted->result->dlfo_map_end = (void *)end;
    wanted->result->dlfo_eh_frame = tables;
    return 1;
}

int _dl_find_object(void *address, struct dl_find_object *result) {
    struct search wanted = {(uintptr_t)address, result};
    return dl_iterate_phdr(search, &wanted) ? 0 : -1;
}
#endif
