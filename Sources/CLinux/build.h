// What the linker wrote into this binary about its build.
#pragma once
#include <elf.h>
#include <stddef.h>

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

// The bytes of the build id, which the linker puts among the notes of the first segment; NULL when there is none.
static inline const unsigned char *linux_build_id(size_t *count) {
  const unsigned char *image = (const unsigned char *)&__ehdr_start;
  const Elf64_Phdr *segments = (const Elf64_Phdr *)(image + __ehdr_start.e_phoff);
  for (int index = 0; index < __ehdr_start.e_phnum; index++) {
    if (segments[index].p_type != PT_NOTE) continue;
    const unsigned char *place = image + segments[index].p_offset;
    const unsigned char *end = place + segments[index].p_filesz;
    while (place + sizeof(Elf64_Nhdr) <= end) {
      const Elf64_Nhdr *note = (const Elf64_Nhdr *)place;
      const unsigned char *name = place + sizeof(Elf64_Nhdr);
      const unsigned char *bytes = name + ((note->n_namesz + 3) & ~3u);
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && name[0] == 'G') {
        *count = note->n_descsz;
        return bytes;
      }
      place = bytes + ((note->n_descsz + 3) & ~3u);
    }
  }
  return NULL;
}
