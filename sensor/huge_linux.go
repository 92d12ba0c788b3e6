package sensor

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugeLeast is the size from which a table is worth huge pages: one of x86-64.
const hugeLeast = 2 << 20

// adviseHuge asks the kernel to back large tables by huge pages (madvise(2),
// MADV_HUGEPAGE): a look-up among 100,000 keys misses the TLB otherwise. It is only
// advice, so what it answers does not matter.
func adviseHuge(entries []entry) {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(entries))), cap(entries)*int(unsafe.Sizeof(entry{})))
	if len(bytes) < hugeLeast {
		return
	}
	page := os.Getpagesize()
	skip := -int(uintptr(unsafe.Pointer(&bytes[0]))) & (page - 1)
	bytes = bytes[skip:]
	_ = unix.Madvise(bytes[:len(bytes)&^(page-1)], unix.MADV_HUGEPAGE)
}
