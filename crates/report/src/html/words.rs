//! Numbers and counts in words.

/// A share as a percentage with one digit; the sign never stands on a line of its own.
pub(crate) fn share(value: f64) -> String {
    format!("{:.1}\u{a0}%", value * 100.0)
}

/// Two ends of a share, which stay on one line.
pub(crate) fn interval([lower, upper]: [f64; 2]) -> String {
    format!("{:.1}\u{2060}\u{2013}\u{2060}{:.1}\u{a0}%", lower * 100.0, upper * 100.0)
}

/// A score with four digits that mean something.
pub(crate) fn score(value: f32) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "\u{2013}".into()
    } else if size == 0.0 {
        "0".into()
    } else if (1e-4..1e6).contains(&size) {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 7) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

/// A count with the word that belongs to it.
pub(crate) fn pictures(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A long name with its middle left out, so that no name makes the page large.
pub(crate) fn name(text: &str) -> String {
    const ENDS: usize = 60;
    if text.chars().count() <= 2 * ENDS {
        return text.into();
    }
    let head: String = text.chars().take(ENDS).collect();
    let tail: Vec<char> = text.chars().rev().take(ENDS).collect();
    format!("{head}\u{2026}{}", tail.into_iter().rev().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_four_digits() {
        for (value, text) in [
            (3.216_592, "3.217"),
            (31.215_92, "31.22"),
            (31_215.9, "31216"),
            (0.001_234_5, "0.001234"),
            (-2.5, "-2.500"),
            (0.0, "0"),
            (1.5e9, "1.500e9"),
            (f32::NAN, "\u{2013}"),
        ] {
            assert_eq!(score(value), text);
        }
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        let long = format!("{}é.png", "x".repeat(500));
        let short = name(&long);
        assert!(short.starts_with("xxx") && short.ends_with("é.png") && short.chars().count() == 121);
        assert_eq!(name("a.png"), "a.png");
    }
}
