//! Numbers on the command line: each has a range, and who leaves it is told the range.

use clap::{Arg, Command};
use patchcore::Outliers;
use patchcore_image::Intensity;
use std::any::TypeId;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Largest side of what a picture is brought to, and of maps and masks that are measured.
const MOST_SIDE: usize = 1 << 14;
/// Whole numbers below it are exact as `f64`.
const MOST_BYTES: u64 = 1 << 53;

/// A whole number of this range.
pub(super) fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: Copy + PartialOrd + Display + std::str::FromStr + Send + Sync + 'static,
{
    move |text: &str| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("must be a whole number between {} and {}", range.start(), range.end()))
    }
}

/// A share that is neither nothing nor everything.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|&share: &f64| share > 0.0 && share < 1.0);
    share.ok_or_else(|| "must be above 0 and below 1".to_string())
}

/// A false positive rate up to which an area can be taken.
pub(super) fn pro_limit(text: &str) -> Result<f64, String> {
    let limit = text.parse().ok().filter(|&limit: &f64| limit > 0.0 && limit <= 1.0);
    limit.ok_or_else(|| "must be more than 0 and at most 1".to_string())
}

/// A score that others can be compared with.
pub(super) fn finite(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number: &f32| number.is_finite());
    number.ok_or_else(|| "must be a finite number".to_string())
}

/// One side.
pub(super) fn side(text: &str) -> Result<usize, String> {
    whole(1..=MOST_SIDE)(text)
}

/// Height and width: one number for both, or two with an `x` between.
pub(super) fn sides(text: &str) -> Result<[usize; 2], String> {
    let number = |text| {
        side(text).map_err(|_| format!("must be a number between 1 and {MOST_SIDE}, or two as in 192x256"))
    };
    match text.split_once('x') {
        Some((height, width)) => Ok([number(height)?, number(width)?]),
        None => Ok([number(text)?; 2]),
    }
}

/// A number of pictures, or their share in percent.
pub(super) fn outliers(text: &str) -> Result<Outliers, String> {
    let read = match text.strip_suffix('%') {
        Some(percent) => {
            let percent =
                percent.trim_end().parse().ok().filter(|&percent: &f64| percent > 0.0 && percent < 100.0);
            percent.map(|percent| Outliers::Share(percent / 100.0))
        }
        None => text.parse().ok().map(Outliers::Count),
    };
    read.ok_or_else(|| "must be a number of pictures, or a share above 0% and below 100%".to_string())
}

/// What is black and what is white.
pub(super) fn window(text: &str) -> Result<Intensity, String> {
    let must = "must be LOW..HIGH, whole numbers between 0 and 65535";
    text.parse().map_err(|error| format!("{must}: {error}"))
}

/// A number of bytes with or without a unit: powers of 1000, or of 1024 with an `i`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let unit = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        unit => {
            return Err(format!(
                "must be a number of bytes, such as 2MiB: unknown unit {unit}; known: B, kB, KiB, MB, MiB, GB, GiB"
            ));
        }
    };
    let bytes = digits.parse().ok().map(|number: f64| number * f64::from(unit));
    let bytes = bytes.filter(|bytes| (1.0..MOST_BYTES as f64).contains(bytes));
    bytes
        .map(|bytes| bytes as u64)
        .ok_or_else(|| format!("must be between 1 and {MOST_BYTES} bytes, such as 2MiB"))
}

/// The command with a minus sign allowed in front of every number, which then says what its range is.
pub(super) fn with_signs(command: Command) -> Command {
    let signed = |arg: Arg| if is_number(&arg) { arg.allow_negative_numbers(true) } else { arg };
    command.mut_args(signed).mut_subcommands(with_signs)
}

/// Whether an option takes one.
fn is_number(arg: &Arg) -> bool {
    let kinds = [
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<f32>(),
        TypeId::of::<f64>(),
        TypeId::of::<[usize; 2]>(),
        TypeId::of::<Outliers>(),
        TypeId::of::<Intensity>(),
    ];
    arg.get_action().takes_values() && kinds.iter().any(|kind| arg.get_value_parser().type_id() == *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::error::ErrorKind;
    use std::collections::BTreeSet;

    #[test]
    fn one_side_or_two() {
        assert_eq!([sides("224"), sides("192x256")], [Ok([224, 224]), Ok([192, 256])]);
        for bad in ["", "x", "9x", "x9", "9x9x9", "-3", "2.5", "0", "16385", "9x0"] {
            assert!(sides(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn units_of_bytes() {
        let read = |text| bytes(text).ok();
        assert_eq!(read("2MiB"), Some(2 << 20));
        assert_eq!([read("500kB"), read("500 KB"), read("500k")], [Some(500_000); 3]);
        assert_eq!([read("1.5GiB"), read("7"), read("3g")], [Some(3 << 29), Some(7), Some(3_000_000_000)]);
        for bad in ["", "MiB", "2 miles", "-3MB", "0", "0.2", "nan", "inf", "1e300", "1e17"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    /// Every numeric option there is, as the words before its value: `bench search --rounds`.
    fn all(command: &Command, words: &[String]) -> Vec<Vec<String>> {
        let own = command.get_arguments().filter(|arg| is_number(arg)).map(|arg| {
            let name = arg.get_long().expect("numbers are options with a long name");
            [words, &[format!("--{name}")]].concat()
        });
        let below = command
            .get_subcommands()
            .flat_map(|part| all(part, &[words, &[part.get_name().to_string()]].concat()));
        own.chain(below).collect()
    }

    /// What clap says about this value of an option, if it says that the value is wrong.
    fn refusal(words: &[String], value: &str) -> Option<String> {
        let (option, before) = words.split_last().expect("an option");
        let line = ["patchcore"].into_iter().chain(before.iter().map(String::as_str));
        let line = line.map(String::from).chain([option.clone(), value.to_string()]);
        let error = Args::read(line).err()?;
        (error.kind() == ErrorKind::ValueValidation).then(|| error.to_string())
    }

    /// Walks through the whole program: an option that is added later cannot be forgotten.
    #[test]
    fn case_60_every_number_out_of_range_is_refused_with_the_range() {
        let options = all(&Args::words(), &[]);
        assert!(options.len() > 60, "{} options", options.len());
        let (mut zero, mut negative) = (BTreeSet::new(), BTreeSet::new());
        for words in &options {
            let option = words.last().unwrap().as_str();
            for value in ["nan", "NaN", "inf", "1e400", "-1e400", "", "some", "1,5", "0x10", "١"] {
                let said = refusal(words, value).unwrap_or_else(|| panic!("{words:?} takes {value:?}"));
                assert!(said.contains("must be ") && said.contains(option), "{words:?} {value:?}: {said}");
            }
            for (value, taken) in [("0", &mut zero), ("-1", &mut negative)] {
                match refusal(words, value) {
                    Some(said) => assert!(said.contains("must be "), "{words:?} {value}: {said}"),
                    None => drop(taken.insert(option)),
                }
            }
        }
        let scores = ["--pixel-threshold", "--review-threshold", "--threshold"];
        assert!(negative.iter().eq(&scores), "{negative:?}");
        let others = ["--drop-outliers", "--min-area", "--prefix-tokens", "--seed"];
        assert_eq!(zero, scores.into_iter().chain(others).collect());
    }

    #[test]
    fn case_60_ranges_hold_at_their_edges() {
        for (line, taken, refused) in [
            ("fit --percentage", &["0.0001", "0.9999"][..], &["1", "1.1", "1.0000000001"][..]),
            ("inspect --threads", &["1", "1024"], &["1025", "100000", "18446744073709551616"]),
            ("fit --patchsize", &["1", "1024"], &["1025"]),
            ("fit --imagesize", &["1", "16384", "1x16384"], &["16385", "1x16385"]),
            ("fit --false-alarm-rate", &["1e-9", "0.5"], &["1"]),
            ("evaluate --pro-limit", &["1", "0.05"], &["1.01"]),
            ("fit --seed", &["4294967295"], &["4294967296"]),
            ("demo --seed", &["18446744073709551615"], &["18446744073709551616"]),
            ("fit --drop-outliers", &["0.1%", "99.9%", "7"], &["0%", "100%", "nan%"]),
            ("fit --window", &["0..4095"], &["4095..0", "7..7", "0..65536", "0.."]),
            ("fit --folds", &["2"], &["1"]),
        ] {
            let words: Vec<String> = line.split(' ').map(String::from).collect();
            for value in taken {
                assert_eq!(refusal(&words, value), None, "{line} {value}");
            }
            for value in refused {
                assert!(
                    refusal(&words, value).is_some_and(|said| said.contains("must be ")),
                    "{line} {value}"
                );
            }
        }
    }
}
