//! Sixteen sums of products, one per column of a group, in the registers of each instruction set.

use super::GROUP;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadu_si128, _mm_set1_epi32, _mm256_add_epi32, _mm256_blendv_epi8,
    _mm256_castsi256_ps, _mm256_cmpgt_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_hadd_epi32,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_epi32, _mm256_movemask_ps, _mm256_permute4x64_epi64,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256, _mm256_sub_epi32, _mm512_cmpge_epi32_mask,
    _mm512_cmpgt_epi32_mask, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_mask_mov_epi32,
    _mm512_max_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512, _mm512_sub_epi32,
};

/// Sums of a row with the sixteen columns of a group.
///
/// # Safety
/// Every method needs the instruction set of its registers; pointers are readable as far as each method says.
pub(super) trait Sums: Copy {
    /// Nothing summed yet; what the columns take away may be taken away already.
    unsafe fn start(of_column: &[i32]) -> Self;
    /// Adds the products of four values of every column, 64 bytes for each of `C` groups that lie `apart` bytes apart,
    /// with four values of each of `R` rows that lie `pitch` bytes apart.
    unsafe fn dot<const R: usize, const C: usize>(
        sums: &mut [[Self; C]; R],
        columns: *const u8,
        apart: usize,
        rows: *const i8,
        pitch: usize,
    );
    /// The finished sums less a value per column: the same that the sums started with.
    unsafe fn finish(self, of_column: &[i32]) -> Self;
    /// Finished sums less a value for the row.
    unsafe fn minus(self, of_row: i32) -> Self;
    /// A bit for every finished sum that is at least `bound`.
    unsafe fn at_least(self, bound: i32) -> u16;
    /// Where a finished sum is larger than `best`: the sum and `number`, else `best` and `at`.
    unsafe fn or_larger(self, number: Self, best: Self, at: Self) -> (Self, Self);
    /// Finished sums.
    unsafe fn load(lanes: &[i32; GROUP]) -> Self;
    /// The finished sums.
    unsafe fn lanes(self) -> [i32; GROUP];
}

/// The definition.
#[derive(Clone, Copy)]
pub(super) struct PortableSums([i32; GROUP]);

impl Sums for PortableSums {
    #[inline(always)]
    unsafe fn start(of_column: &[i32]) -> Self {
        Self(std::array::from_fn(|column| -of_column[column]))
    }

    #[inline(always)]
    unsafe fn dot<const R: usize, const C: usize>(
        sums: &mut [[Self; C]; R],
        columns: *const u8,
        apart: usize,
        rows: *const i8,
        pitch: usize,
    ) {
        for (r, groups) in sums.iter_mut().enumerate() {
            for (j, sums) in groups.iter_mut().enumerate() {
                for (column, sum) in sums.0.iter_mut().enumerate() {
                    for i in 0..4 {
                        // SAFETY: 64 bytes of columns, and four of the row.
                        let (c, v) =
                            unsafe { (*columns.add(j * apart + column * 4 + i), *rows.add(r * pitch + i)) };
                        *sum += i32::from(c) * i32::from(v);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(self, _: &[i32]) -> Self {
        self
    }

    #[inline(always)]
    unsafe fn minus(self, of_row: i32) -> Self {
        Self(self.0.map(|sum| sum - of_row))
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: i32) -> u16 {
        let bit = |(lane, &sum): (usize, &i32)| u16::from(sum >= bound) << lane;
        self.0.iter().enumerate().map(bit).sum()
    }

    #[inline(always)]
    unsafe fn or_larger(self, number: Self, mut best: Self, mut at: Self) -> (Self, Self) {
        for lane in 0..GROUP {
            if self.0[lane] > best.0[lane] {
                (best.0[lane], at.0[lane]) = (self.0[lane], number.0[lane]);
            }
        }
        (best, at)
    }

    #[inline(always)]
    unsafe fn load(lanes: &[i32; GROUP]) -> Self {
        Self(*lanes)
    }

    #[inline(always)]
    unsafe fn lanes(self) -> [i32; GROUP] {
        self.0
    }
}

/// Four registers of eight sums while products are added, two for each column; finished, the first two hold the columns.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2Sums([__m256i; 4]);

#[cfg(target_arch = "x86_64")]
impl Sums for Avx2Sums {
    #[inline(always)]
    unsafe fn start(_: &[i32]) -> Self {
        // SAFETY: the caller's instruction set.
        unsafe { Self([_mm256_setzero_si256(); 4]) }
    }

    #[inline(always)]
    unsafe fn dot<const R: usize, const C: usize>(
        sums: &mut [[Self; C]; R],
        columns: *const u8,
        apart: usize,
        rows: *const i8,
        pitch: usize,
    ) {
        // SAFETY: four times 16 bytes of columns, and four bytes of each row.
        unsafe {
            let mut values = [_mm256_setzero_si256(); R];
            for (r, value) in values.iter_mut().enumerate() {
                let four = rows.add(r * pitch).cast::<i32>().read_unaligned();
                *value = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
            }
            for j in 0..C {
                for part in 0..4 {
                    let four_columns = _mm_loadu_si128(columns.add(j * apart + part * 16).cast());
                    let four_columns = _mm256_cvtepu8_epi16(four_columns);
                    for (groups, value) in sums.iter_mut().zip(values) {
                        let sums = &mut groups[j].0[part];
                        *sums = _mm256_add_epi32(*sums, _mm256_madd_epi16(four_columns, value));
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(self, of_column: &[i32]) -> Self {
        let of_column = &of_column[..GROUP];
        // SAFETY: sixteen values of columns.
        unsafe {
            // Halves of sums are added in pairs: columns 0 1 4 5 | 2 3 6 7, then brought into order.
            let eight = |half: usize| {
                let pairs = _mm256_hadd_epi32(self.0[half * 2], self.0[half * 2 + 1]);
                let sums = _mm256_permute4x64_epi64::<0b11_01_10_00>(pairs);
                _mm256_sub_epi32(sums, _mm256_loadu_si256(of_column.as_ptr().add(half * 8).cast()))
            };
            let (low, high) = (eight(0), eight(1));
            Self([low, high, low, high])
        }
    }

    #[inline(always)]
    unsafe fn minus(self, of_row: i32) -> Self {
        // SAFETY: the caller's instruction set.
        unsafe {
            let row = _mm256_set1_epi32(of_row);
            Self(self.0.map(|sums| _mm256_sub_epi32(sums, row)))
        }
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: i32) -> u16 {
        // SAFETY: the caller's instruction set.
        unsafe {
            let bound = _mm256_set1_epi32(bound);
            let below = |half: usize| {
                let below = _mm256_cmpgt_epi32(bound, self.0[half]);
                _mm256_movemask_ps(_mm256_castsi256_ps(below)) as u16
            };
            !(below(0) | below(1) << 8)
        }
    }

    #[inline(always)]
    unsafe fn or_larger(self, number: Self, mut best: Self, mut at: Self) -> (Self, Self) {
        // SAFETY: the caller's instruction set.
        unsafe {
            for half in 0..2 {
                let larger = _mm256_cmpgt_epi32(self.0[half], best.0[half]);
                best.0[half] = _mm256_max_epi32(best.0[half], self.0[half]);
                at.0[half] = _mm256_blendv_epi8(at.0[half], number.0[half], larger);
            }
        }
        (best, at)
    }

    #[inline(always)]
    unsafe fn load(lanes: &[i32; GROUP]) -> Self {
        // SAFETY: sixteen values.
        unsafe {
            let (low, high) =
                (_mm256_loadu_si256(lanes.as_ptr().cast()), _mm256_loadu_si256(lanes.as_ptr().add(8).cast()));
            Self([low, high, low, high])
        }
    }

    #[inline(always)]
    unsafe fn lanes(self) -> [i32; GROUP] {
        let mut out = [0; GROUP];
        // SAFETY: sixteen values.
        unsafe {
            _mm256_storeu_si256(out.as_mut_ptr().cast(), self.0[0]);
            _mm256_storeu_si256(out.as_mut_ptr().add(8).cast(), self.0[1]);
        }
        out
    }
}

/// One register: AVX-512 with its instruction for sums of products of bytes (VNNI).
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct VnniSums(__m512i);

#[cfg(target_arch = "x86_64")]
impl Sums for VnniSums {
    #[inline(always)]
    unsafe fn start(of_column: &[i32]) -> Self {
        let of_column = &of_column[..GROUP];
        // SAFETY: sixteen values of columns.
        unsafe {
            let columns = _mm512_loadu_si512(of_column.as_ptr().cast());
            Self(_mm512_sub_epi32(_mm512_setzero_si512(), columns))
        }
    }

    #[inline(always)]
    unsafe fn dot<const R: usize, const C: usize>(
        sums: &mut [[Self; C]; R],
        columns: *const u8,
        apart: usize,
        rows: *const i8,
        pitch: usize,
    ) {
        // SAFETY: 64 bytes of columns, and four bytes of each row.
        unsafe {
            let mut close = [_mm512_setzero_si512(); C];
            for (j, columns_of) in close.iter_mut().enumerate() {
                *columns_of = _mm512_loadu_si512(columns.add(j * apart).cast());
            }
            for (r, groups) in sums.iter_mut().enumerate() {
                let four = _mm512_set1_epi32(rows.add(r * pitch).cast::<i32>().read_unaligned());
                for (sums, columns) in groups.iter_mut().zip(close) {
                    sums.0 = _mm512_dpbusd_epi32(sums.0, columns, four);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(self, _: &[i32]) -> Self {
        self
    }

    #[inline(always)]
    unsafe fn minus(self, of_row: i32) -> Self {
        // SAFETY: the caller's instruction set.
        unsafe { Self(_mm512_sub_epi32(self.0, _mm512_set1_epi32(of_row))) }
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: i32) -> u16 {
        // SAFETY: the caller's instruction set.
        unsafe { _mm512_cmpge_epi32_mask(self.0, _mm512_set1_epi32(bound)) }
    }

    #[inline(always)]
    unsafe fn or_larger(self, number: Self, best: Self, at: Self) -> (Self, Self) {
        // SAFETY: the caller's instruction set.
        unsafe {
            let larger = _mm512_cmpgt_epi32_mask(self.0, best.0);
            let at = _mm512_mask_mov_epi32(at.0, larger, number.0);
            (Self(_mm512_max_epi32(best.0, self.0)), Self(at))
        }
    }

    #[inline(always)]
    unsafe fn load(lanes: &[i32; GROUP]) -> Self {
        // SAFETY: sixteen values.
        unsafe { Self(_mm512_loadu_si512(lanes.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn lanes(self) -> [i32; GROUP] {
        let mut out = [0; GROUP];
        // SAFETY: sixteen values.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), self.0) };
        out
    }
}
