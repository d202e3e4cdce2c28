//! Finds the names most similar to one that is missing.

/// Longer names, and names beyond this many, are not compared: the file is not trusted to be reasonable.
const MAX_CHARS: usize = 128;
const MAX_NAMES: usize = 10_000;

/// Up to `n` names by ascending edit distance; equal distances keep their order.
///
/// ```
/// use patchcore_backbone::weights::nearest_names;
/// assert_eq!(nearest_names("layer22", ["layer1", "layer2", "fc"].into_iter(), 1), ["layer2"]);
/// ```
pub fn names<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>, n: usize) -> Vec<&'a str> {
    let wanted: Vec<char> = wanted.chars().take(MAX_CHARS).collect();
    let mut ranked: Vec<(usize, &str)> = candidates
        .filter(|name| name.len() <= MAX_CHARS)
        .take(MAX_NAMES)
        .map(|name| (edit_distance(&wanted, name), name))
        .collect();
    ranked.sort_by_key(|&(distance, _)| distance);
    ranked.into_iter().take(n).map(|(_, name)| name).collect()
}

/// Insertions, deletions and replacements needed to turn one text into the other (Levenshtein).
fn edit_distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (j, y) in b.chars().enumerate() {
        let mut diagonal = j;
        let mut left = j.saturating_add(1);
        for (x, cell) in a.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal.saturating_add(usize::from(*x != y));
            diagonal = *cell;
            left = replaced.min(left.min(diagonal).saturating_add(1));
            *cell = left;
        }
    }
    // An empty `a` has no cells: the distance is then the length of `b`.
    if a.is_empty() { b.chars().count() } else { row.last().copied().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        let distance = |a: &str, b| edit_distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("conv1", "conv1"), 0);
    }

    #[test]
    fn nearest_first() {
        let names = names("bn1.weight", ["fc.weight", "bn2.weight", "bn1.bias"].into_iter(), 2);
        assert_eq!(names, ["bn2.weight", "fc.weight"]);
    }
}
