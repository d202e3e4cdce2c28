//! The only unsafe code: numeric kernels, slices in and slices out, chosen at run time for the processor; and the program's
//! allocator.
//!
//! | folder | what it holds |
//! |---|---|
//! | [`isa`] | which instruction sets this processor has |
//! | `vector` | one small trait over SIMD registers: portable, AVX2 + FMA, AVX-512 |
//! | [`element`] | how values are stored: `f32`, or bf16 at half the size |
//! | [`buffer`] | a buffer whose start is aligned to a cache line |
//! | [`conv`] | convolution over channels-last pictures: dense, grouped, depthwise |
//! | [`pool`] | maximum and mean over windows, mean of a whole picture |
//! | [`pointwise`] | smooth activations, channels scaled by a gate |
//! | [`memory`] | the program's allocator, which says a last word where Rust would abort |
//! | [`patches`] | means of neighbourhoods and bins, places between places: patch embeddings |
//! | [`codes`] | exact dot products of rows of bytes: the filter of coreset and search |
//! | [`distance`] | squared Euclidean distance in one fixed order of additions |
//! | [`peak`] | how fast this processor multiplies and adds at best |
//! | [`product`] | products of a row with many others, summed in `f64` |
//! | [`resample`] | weighted sums of rows of bytes |
//!
//! Each kernel is written once, generic over the register; the portable register defines the result and the others
//! are tested against it. Picking an [`Isa`](isa::Isa) proves that the processor was asked.
//!
//! # Same bits
//!
//! An output value is always the result of the same additions in the same order: how the work is cut into tiles,
//! rows or threads does not change a bit. Between instruction sets results differ by rounding (fused
//! multiply-add), except that AVX2 and AVX-512 agree exactly.
#![allow(
    unsafe_code,
    reason = "SIMD loads, stores, calls into functions compiled for a detected instruction set; the allocator"
)]
#![allow(
    clippy::inline_always,
    reason = "a kernel compiles to its instruction set only inside its entry point"
)]

pub mod buffer;
pub mod codes;
pub mod conv;
pub mod distance;
pub mod element;
pub mod isa;
pub mod memory;
pub mod patches;
pub mod peak;
pub mod pointwise;
pub mod pool;
pub mod product;
pub mod resample;
mod vector;
