"""The model of `struct page`: flags, pages, mappings, user memory.

from racepage.memory import GFP_KERNEL, Page

with Page.alloc_page(GFP_KERNEL) as page:
    page.write_raw(data, 128, 64)
    page.store(0, 8, 1, "release")
"""

from racepage.events import MemoryOrder as MemoryOrder
from racepage.memory.atomics import PageWord as PageWord
from racepage.memory.exclusive import assert_exclusive_access as assert_exclusive_access
from racepage.memory.exclusive import assert_exclusive_writer as assert_exclusive_writer
from racepage.memory.failures import failing_allocations as failing_allocations
from racepage.memory.gfp import __GFP_HIGHMEM as __GFP_HIGHMEM
from racepage.memory.gfp import __GFP_ZERO as __GFP_ZERO
from racepage.memory.gfp import GFP_ATOMIC as GFP_ATOMIC
from racepage.memory.gfp import GFP_HIGHMEM as GFP_HIGHMEM
from racepage.memory.gfp import GFP_KERNEL as GFP_KERNEL
from racepage.memory.gfp import GFP_NOWAIT as GFP_NOWAIT
from racepage.memory.gfp import GFP_ZERO as GFP_ZERO
from racepage.memory.gfp import Flags as Flags
from racepage.memory.kmap import PagePointer as PagePointer
from racepage.memory.kmap import PageSlice as PageSlice
from racepage.memory.kmap import kmap_local_page as kmap_local_page
from racepage.memory.kmap import kunmap_local as kunmap_local
from racepage.memory.layout import PAGE_MASK as PAGE_MASK
from racepage.memory.layout import PAGE_SHIFT as PAGE_SHIFT
from racepage.memory.layout import PAGE_SIZE as PAGE_SIZE
from racepage.memory.layout import page_align as page_align
from racepage.memory.page import BorrowedPage as BorrowedPage
from racepage.memory.page import Page as Page
from racepage.memory.uaccess import UserMemory as UserMemory
from racepage.memory.uaccess import UserSlice as UserSlice
from racepage.memory.uaccess import UserSliceReader as UserSliceReader
from racepage.memory.uaccess import UserSliceWriter as UserSliceWriter
from racepage.memory.view import PageView as PageView
