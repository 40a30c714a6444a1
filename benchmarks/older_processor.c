/* Makes an x86-64 processor seem to be an older one, to every library in a process; for Linux.

     cc -O2 -shared -fPIC -o older_processor.so older_processor.c
     LD_PRELOAD=$PWD/older_processor.so OLDER_PROCESSOR=AVX2 python -c "..."

   Linux can make the instruction that says what a processor knows, cpuid, fail in a process and in those it starts
   (arch_prctl(2), ARCH_SET_CPUID; /proc/cpuinfo names cpuid_fault where it can). Here it is then carried out by the
   handler of the failure, and what is said is shortened. So whoever chooses code by cpuid chooses that of the older
   processor, whether it has a switch for it or not. What the processor does for a code stays as it is. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { SET_CPUID = 0x1012 }; /* ARCH_SET_CPUID of asm/prctl.h. */
#define BIT(n) (1u << (n))

static const char *const NAMES[] = {"AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"};
static int older; /* One of them, by its place. */

static void allow(int allowed) { syscall(SYS_arch_prctl, SET_CPUID, allowed); }

/* Leaves and bits as in Intel's Software Developer's Manual, volume 2A, CPUID. */
static void shorten(unsigned leaf, unsigned sub, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
    int avx512 = older >= 2;
    if (leaf == 7 && sub == 0) {
        *d &= ~(BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));            /* vp2intersect, AMX, AVX512-FP16 */
        if (older < 3) {                                                    /* vbmi, vnni, bitalg, vpopcntdq; ifma */
            *c &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
            *b &= ~BIT(21);
        }
        if (!avx512) *b &= ~(BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31)); /* AVX512 F, DQ, CD, BW, VL */
    } else if (leaf == 7 && sub == 1) {
        *a &= ~(BIT(5) | BIT(21) | BIT(23));                                /* AVX512-BF16, AMX-FP16, AVX-IFMA */
        if (older != 1) *a &= ~BIT(4);                                      /* AVX-VNNI */
        *d = 0;                                                             /* Later kinds of AVX-VNNI, AVX10 */
    } else if (leaf == 0xd && sub == 0) {
        *a &= avx512 ? 0xe7u : 0x07u;                                       /* State of registers */
    } else if (leaf == 0x1e || leaf == 0x1d || leaf == 0x24) {
        *a = *b = *c = *d = 0;                                              /* AMX, AVX10 */
    }
}

static void failed(int signal_, siginfo_t *info, void *context) {
    greg_t *register_ = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)register_[REG_RIP];
    unsigned a, b, c, d, leaf = (unsigned)register_[REG_RAX], sub = (unsigned)register_[REG_RCX];
    (void)info;
    if (code[0] != 0x0f || code[1] != 0xa2) { /* Another failure than that of cpuid: as ever. */
        signal(signal_, SIG_DFL);
        return;
    }
    allow(1);
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(sub));
    allow(0);
    shorten(leaf, sub, &a, &b, &c, &d);
    register_[REG_RAX] = a, register_[REG_RBX] = b, register_[REG_RCX] = c, register_[REG_RDX] = d;
    register_[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
    const char *wanted = getenv("OLDER_PROCESSOR");
    struct sigaction action;
    if (wanted == NULL) return;
    for (older = 0; older < 4 && strcmp(NAMES[older], wanted) != 0; older++) {}
    memset(&action, 0, sizeof action);
    action.sa_sigaction = failed;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (older == 4 || sigaction(SIGSEGV, &action, NULL) || syscall(SYS_arch_prctl, SET_CPUID, 0)) {
        fprintf(stderr, "this machine cannot seem to be one with %s alone\n", wanted);
        _exit(1);
    }
}
