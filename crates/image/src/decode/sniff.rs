//! Which format bytes are, seen from how they begin.

use super::Format;
use crate::error::DecodeError;

/// How each supported format begins.
const MAGIC: [(&[u8], Format); 13] = [
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"BM", Format::Bmp),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"II+\0", Format::Tiff),
    (b"MM\0+", Format::Tiff),
    (b"P1", Format::Pnm),
    (b"P2", Format::Pnm),
    (b"P3", Format::Pnm),
    (b"P4", Format::Pnm),
    (b"P5", Format::Pnm),
    (b"P6", Format::Pnm),
];

/// How things begin that are often taken for pictures, with the place where it stands.
const FOREIGN: [(usize, &[u8], &str); 24] = [
    (0, b"version https://git-lfs", "a Git LFS pointer in place of the file (`git lfs pull` fetches it)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"GIF8", "a GIF"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"P7", "a PAM picture"),
    (0, b"Pf", "a PFM picture"),
    (0, b"PF", "a PFM picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"SIMPLE  =", "a FITS file"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC picture"),
    (4, b"ftyp", "a video"),
    (128, b"DICM", "a DICOM file"),
];

/// The format of these bytes.
///
/// # Errors
/// [`DecodeError::Empty`], [`DecodeError::TruncatedHeader`] if not even the first bytes are complete, or
/// [`DecodeError::Unsupported`] that says what was seen instead.
pub(super) fn sniff(bytes: &[u8]) -> Result<Format, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if let Some(&(_, format)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Ok(format);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(Format::WebP);
    }
    match cut_off(bytes) {
        Some(format) => Err(DecodeError::TruncatedHeader { format }),
        None => Err(DecodeError::Unsupported { what: foreign(bytes) }),
    }
}

/// The format whose first bytes these are, if the bytes end within them.
fn cut_off(bytes: &[u8]) -> Option<Format> {
    if bytes.len() < 12 && (bytes.starts_with(b"RIFF") || b"RIFF".starts_with(bytes)) {
        return Some(Format::WebP);
    }
    MAGIC.iter().find(|(magic, _)| magic.starts_with(bytes)).map(|&(_, format)| format)
}

fn foreign(bytes: &[u8]) -> String {
    let known = FOREIGN.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|b| b.starts_with(magic)));
    if let Some((_, _, name)) = known {
        return (*name).into();
    }
    let head = &bytes[..bytes.len().min(512)];
    if let Some(text) = text(head) {
        return markup(text).unwrap_or("plain text").into();
    }
    let first: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("content that begins with {}", first.join(" "))
}

/// `head` as text, if it is printable throughout; a character cut at its end is left off.
fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let printable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    (!text.is_empty() && text.chars().all(printable)).then_some(text)
}

fn markup(text: &str) -> Option<&'static str> {
    let start = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        Some("an HTML page")
    } else if start.starts_with("<svg") || (start.starts_with("<?xml") && start.contains("<svg")) {
        Some("an SVG drawing")
    } else if start.starts_with("<?xml") {
        Some("an XML document")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsupported(bytes: &[u8]) -> String {
        match sniff(bytes) {
            Err(DecodeError::Unsupported { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_cut_of_a_magic_is_truncated() {
        for (magic, _) in MAGIC {
            assert!(sniff(magic).is_ok());
            for cut in 1..magic.len() {
                assert!(
                    matches!(sniff(&magic[..cut]), Err(DecodeError::TruncatedHeader { .. })),
                    "{magic:?}"
                );
            }
        }
        let webp = b"RIFF\x10\0\0\0WEBP";
        assert_eq!(sniff(webp), Ok(Format::WebP));
        for cut in 1..webp.len() {
            assert_eq!(sniff(&webp[..cut]), Err(DecodeError::TruncatedHeader { format: Format::WebP }));
        }
    }

    #[test]
    fn common_mistakes_are_called_by_name() {
        assert_eq!(sniff(b""), Err(DecodeError::Empty));
        assert!(unsupported(b"version https://git-lfs.github.com/spec/v1\noid").contains("Git LFS"));
        assert_eq!(unsupported(b"\n <!DOCTYPE html><title>Log in</title>"), "an HTML page");
        assert_eq!(unsupported(b"<?xml version=\"1.0\"?><svg/>"), "an SVG drawing");
        assert_eq!(unsupported(b"%PDF-1.7"), "a PDF document");
        assert_eq!(unsupported(b"PK\x03\x04...."), "a ZIP archive");
        assert_eq!(unsupported("Grüße".as_bytes()), "plain text");
        assert_eq!(unsupported(b"GIF89a"), "a GIF");
        assert_eq!(
            unsupported(b"RIFF\x10\0\0\0WAVEfmt "),
            "content that begins with 52 49 46 46 10 00 00 00"
        );
        assert_eq!(unsupported(&[0, 1, 2]), "content that begins with 00 01 02");
    }

    #[test]
    fn text_cut_within_a_letter_is_still_text() {
        let long = format!("{}ü", "a".repeat(511));
        assert_eq!(unsupported(long.as_bytes()), "plain text");
    }
}
