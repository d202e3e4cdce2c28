//! Paths as text that is safe to print.

use std::path::Path;

/// A path as one line of text: control characters and those that turn the writing direction come out escaped.
///
/// A hostile file name can so neither break a log line nor steer a terminal. Bytes that are no UTF-8 become `U+FFFD`.
///
/// ```
/// use patchcore_files::shown;
/// use std::path::Path;
///
/// assert_eq!(shown(Path::new("good/000.png")), "good/000.png");
/// assert_eq!(shown(Path::new("a\n\u{1b}[2J.png")), r"a\n\u{1b}[2J.png");
/// ```
pub fn shown(path: &Path) -> String {
    let mut text = String::new();
    for c in path.to_string_lossy().chars() {
        if c.is_control() || turns_direction(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_marks_are_escaped_and_letters_are_not() {
        assert_eq!(shown(Path::new("\u{202e}gnp.exe")), r"\u{202e}gnp.exe");
        assert_eq!(shown(Path::new("Prüfling – 部品.png")), "Prüfling – 部品.png");
    }
}
