//! A file changed at random, in ways that parsers dislike.

use crate::{Dice, Target};

/// Changes of one mutant.
const MOST_CHANGES: usize = 8;
/// Headers and directories stand within so many bytes of a file's ends.
const EDGE: usize = 512;
/// Bytes of a block that is moved are below 2 to this.
const BLOCK: usize = 13;
/// Of this many mutants one keeps its wrong checksums.
const UNREPAIRED: usize = 4;

/// Numbers at which lengths and counts go wrong.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x00ff_ffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 62,
    i64::MAX as u64,
    u64::MAX,
];

/// The same as text, and what else text can say.
const TEXTS: [&str; 20] = [
    "0",
    "-1",
    "1",
    "00000000001",
    "127",
    "255",
    "65535",
    "65536",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "18446744073709551615",
    "99999999999999999999",
    "1e400",
    "-0",
    "0.1",
    "NaN",
    "null",
    "",
    "[",
];

/// The mutant of that number: a seed, or two, with one to eight changes; three of four are repaired.
pub fn mutant(target: &Target, seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut dice = Dice::new(number.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ target.name.len() as u64);
    let mut bytes = dice.pick(seeds).clone();
    // Rather few than many: what is broken twice is refused at the first place.
    let changes = 1 + dice.below(MOST_CHANGES).min(dice.below(MOST_CHANGES));
    for _ in 0..changes {
        change(&mut bytes, target.words, seeds, &mut dice);
    }
    if dice.below(UNREPAIRED) > 0 {
        (target.repair)(&mut bytes);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, words: &[&[u8]], seeds: &[Vec<u8>], dice: &mut Dice) {
    if bytes.is_empty() {
        bytes.push(dice.next() as u8);
    }
    match dice.below(16) {
        0..=2 => *byte(bytes, dice) ^= 1 << dice.below(8),
        3 => *byte(bytes, dice) = dice.next() as u8,
        4 | 5 => number(bytes, dice),
        6 => add(bytes, dice),
        7 => text_number(bytes, dice),
        8 => word(bytes, words, dice),
        9 => cut(bytes, dice),
        10 => extend(bytes, dice),
        11 => duplicate(bytes, dice),
        12 => remove(bytes, dice),
        13 => swap(bytes, dice),
        14 => splice(bytes, dice.pick(seeds).as_slice(), dice.next()),
        _ => copy(bytes, dice),
    }
}

/// A place in `0..len`, often near an end.
fn place(len: usize, dice: &mut Dice) -> usize {
    let edge = len.min(EDGE);
    match dice.below(4) {
        0 => dice.below(edge),
        1 => len - 1 - dice.below(edge),
        _ => dice.below(len),
    }
}

fn byte<'a>(bytes: &'a mut [u8], dice: &mut Dice) -> &'a mut u8 {
    let at = place(bytes.len(), dice);
    &mut bytes[at]
}

/// A block that lies in the file, short rather than long.
fn block(bytes: &[u8], dice: &mut Dice) -> std::ops::Range<usize> {
    let start = place(bytes.len(), dice);
    let most = 1 << dice.below(BLOCK);
    start..(start + 1 + dice.below(most)).min(bytes.len())
}

/// Writes one of [`NUMBERS`], of 1 to 8 bytes, in either order.
fn number(bytes: &mut [u8], dice: &mut Dice) {
    let value = *dice.pick(&NUMBERS);
    let width = 1 << dice.below(4);
    let little = value.to_le_bytes();
    let mut written = little[..width].to_vec();
    if dice.below(2) == 0 {
        written.reverse();
    }
    overwrite(bytes, &written, dice);
}

/// Adds a little to one byte.
fn add(bytes: &mut [u8], dice: &mut Dice) {
    let step = 1 + dice.below(16) as u8;
    let byte = byte(bytes, dice);
    *byte = if dice.below(2) == 0 { byte.wrapping_add(step) } else { byte.wrapping_sub(step) };
}

/// Puts one of [`TEXTS`] in place of a number that stands there as text, the next one from some place on.
fn text_number(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let from = place(bytes.len(), dice);
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) else { return };
    let digits = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    bytes.splice(start..start + digits, dice.pick(&TEXTS).bytes());
}

/// Writes a word of the format over what is there, or puts it in between.
fn word(bytes: &mut Vec<u8>, words: &[&[u8]], dice: &mut Dice) {
    if words.is_empty() {
        return number(bytes, dice);
    }
    let word = *dice.pick(words);
    if dice.below(2) == 0 {
        overwrite(bytes, word, dice);
    } else {
        let at = place(bytes.len(), dice);
        bytes.splice(at..at, word.iter().copied());
    }
}

fn overwrite(bytes: &mut [u8], new: &[u8], dice: &mut Dice) {
    let at = place(bytes.len(), dice);
    let room = new.len().min(bytes.len() - at);
    bytes[at..at + room].copy_from_slice(&new[..room]);
}

fn cut(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let len = place(bytes.len(), dice);
    bytes.truncate(len);
}

fn extend(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let more = 1 << dice.below(8);
    let fill = dice.next();
    bytes.extend((0..more).map(|i| if fill & 1 == 0 { 0 } else { (fill >> (8 * (i % 7))) as u8 }));
}

fn duplicate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let block = block(bytes, dice);
    let again = bytes[block.clone()].to_vec();
    bytes.splice(block.end..block.end, again);
}

fn remove(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let block = block(bytes, dice);
    bytes.drain(block);
}

fn swap(bytes: &mut [u8], dice: &mut Dice) {
    let (a, b) = (block(bytes, dice), place(bytes.len(), dice));
    let len = a.len().min(bytes.len() - b);
    for i in 0..len {
        bytes.swap(a.start + i, b + i);
    }
}

/// Goes on as another seed does.
fn splice(bytes: &mut Vec<u8>, other: &[u8], place: u64) {
    let at = (place % (bytes.len() as u64 + 1)) as usize;
    bytes.truncate(at);
    bytes.extend(other.iter().skip(at));
}

/// Writes a block a second time, over what stands elsewhere.
fn copy(bytes: &mut [u8], dice: &mut Dice) {
    let block = block(bytes, dice);
    let again = bytes[block].to_vec();
    overwrite(bytes, &again, dice);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    const PLAIN: Target = Target {
        name: "plain",
        seeds: || vec![b"one seed, 17 letters".to_vec(), vec![7; 300]],
        words: &[b"IHDR"],
        read: |_| Ok(()),
        repair: |bytes| bytes.push(0xAA),
        memory: Memory { fixed: 0, per_byte: 0 },
    };

    #[test]
    fn a_number_makes_one_mutant_and_another_number_another() {
        let seeds = (PLAIN.seeds)();
        let all: Vec<Vec<u8>> = (0..2000).map(|number| mutant(&PLAIN, &seeds, number)).collect();
        let again: Vec<Vec<u8>> = (0..2000).map(|number| mutant(&PLAIN, &seeds, number)).collect();
        assert_eq!(all, again);
        let different: std::collections::BTreeSet<&Vec<u8>> = all.iter().collect();
        assert!(different.len() > 1800, "{} of 2000 are different", different.len());
        let unchanged = all.iter().filter(|bytes| seeds.contains(bytes)).count();
        assert!(unchanged < 60, "{unchanged} are no mutants");
    }

    #[test]
    fn three_of_four_are_repaired() {
        let seeds = (PLAIN.seeds)();
        let repaired = (0..4000).filter(|&n| mutant(&PLAIN, &seeds, n).last() == Some(&0xAA)).count();
        assert!((2900..3300).contains(&repaired), "{repaired} of 4000");
    }

    #[test]
    fn every_kind_of_change_is_made() {
        let seeds = (PLAIN.seeds)();
        let all: Vec<Vec<u8>> = (0..4000).map(|number| mutant(&PLAIN, &seeds, number)).collect();
        let any = |what: &dyn Fn(&[u8]) -> bool| all.iter().any(|bytes| what(bytes));
        let holds = |word: &'static [u8]| move |bytes: &[u8]| bytes.windows(word.len()).any(|w| w == word);
        assert!(any(&holds(b"IHDR")));
        assert!(any(&holds(b"18446744073709551615")));
        assert!(any(&holds(&[0xff; 8])));
        assert!(any(&holds(b"\x7f\xff\xff\xff")));
        assert!(any(&|bytes| bytes.len() < 5));
        assert!(any(&|bytes| bytes.len() > 400));
        assert!(
            any(&|bytes| bytes.starts_with(b"one seed") && bytes.ends_with(&[7, 7, 7, 0xAA])),
            "no splice"
        );
    }
}
