/* Three functions that LLVM's ThreadSanitizer calls since version 15 and the runtime of gcc 12 lacks. What they call is the
 * runtime's, which sees it. */
#include <string.h>

void *__tsan_memcpy(void *to, const void *from, size_t length);
void *__tsan_memmove(void *to, const void *from, size_t length);
void *__tsan_memset(void *to, int byte, size_t length);

void *__tsan_memcpy(void *to, const void *from, size_t length) { return memcpy(to, from, length); }

void *__tsan_memmove(void *to, const void *from, size_t length) { return memmove(to, from, length); }

void *__tsan_memset(void *to, int byte, size_t length) { return memset(to, byte, length); }
