//! The page of a report: what it holds, what it must not, how large it gets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sample;

use patchcore_report::Report;
use proptest::prelude::*;

/// The elements of a page in their order: names and attribute texts; panics where the page is not well formed.
fn tags(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').expect("every tag ends");
        let (name, attributes) = rest[at + 1..end].split_once(' ').unwrap_or((&rest[at + 1..end], ""));
        found.push((name.to_string(), attributes.to_string()));
        rest = &rest[end + 1..];
        // What is in a script or a style is no markup.
        if let "script" | "style" = name {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).expect("it is closed")..];
        }
    }
    found
}

/// Elements of these names have no end.
const EMPTY: [&str; 4] = ["!DOCTYPE", "meta", "img", "input"];

#[test]
fn elements_are_closed_in_their_order() {
    let mut open: Vec<String> = Vec::new();
    for (name, _) in tags(&sample::report("part", 6).to_html()) {
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed)),
            None if EMPTY.contains(&name.as_str()) => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn nothing_is_fetched_and_nothing_is_inline_that_the_policy_forbids() {
    let page = sample::report("part", 6).to_html();
    for (name, attributes) in tags(&page) {
        assert!(!["link", "iframe", "object", "embed", "base", "form"].contains(&name.as_str()), "{name}");
        assert!(!attributes.contains("style=") && !attributes.contains(" on"), "{name} {attributes}");
        for source in ["src=\"", "href=\"", "xlink:href=\""] {
            if let Some((_, rest)) = attributes.split_once(source) {
                assert!(rest.starts_with("data:image/jpeg;base64,") || rest.starts_with('#'), "{attributes}");
            }
        }
    }
    assert!(
        page.contains("default-src &#x27;none&#x27;") || page.contains("default-src 'none'"),
        "no policy"
    );
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
}

#[test]
fn headings_step_down_one_by_one_and_elements_have_what_they_need() {
    let mut level = 0;
    for (name, attributes) in tags(&sample::report("part", 6).to_html()) {
        if let Some(Ok(next)) = name.strip_prefix('h').map(str::parse::<u32>) {
            assert!(next <= level + 1, "h{next} after h{level}");
            level = next;
        }
        let mut names: Vec<&str> =
            attributes.split('"').step_by(2).map(str::trim).filter(|n| !n.is_empty()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "a browser would pass over the second one: {name} {attributes}");
        let has = |attribute: &str| attributes.contains(&format!("{attribute}=\""));
        match name.as_str() {
            "img" => assert!(has("alt") && !attributes.contains("alt=\"\""), "{attributes}"),
            "svg" => assert!(has("aria-label") || has("aria-hidden"), "{attributes}"),
            "th" => assert!(has("scope"), "{attributes}"),
            _ => {}
        }
    }
}

#[test]
fn every_section_is_there_and_says_what_the_numbers_are() {
    let page = sample::report("part", 6).to_html();
    for heading in [
        "Summary",
        "Scores",
        "Curves",
        "Metrics",
        "Kinds of defects",
        "Worst misses",
        "Worst false alarms",
        "Training pictures",
        "Data",
        "Model card",
    ] {
        // The one good picture that is shown was not called defective here.
        let heading = if heading == "Worst false alarms" { "Most suspicious good pictures" } else { heading };
        assert!(page.contains(&format!("<h3>{heading}</h3>")), "no {heading}");
    }
    for words in [
        "at most 4.0\u{a0}%",
        "24 good pictures, each judged without its own patches",
        "look at part",
        "undefined: part has no mask",
        "oracle",
        "Intended use.",
        "Limits.",
    ] {
        assert!(page.contains(words), "no {words:?}");
    }
}

#[test]
fn a_report_on_fitting_has_no_test_part_and_no_slider() {
    let mut report = sample::report("part", 6);
    report.categories[0].test = None;
    let page = report.to_html();
    assert!(page.contains("No labelled test picture took part"));
    assert!(!page.contains("type=\"range\"") && !page.contains("<h3>Metrics</h3>"));
    assert!(page.contains("<h3>Scores</h3>"), "the scores of the good pictures are shown");
}

#[test]
fn several_categories_have_an_overview_with_links_that_lead_somewhere() {
    let categories = ["bolt", "nut"].map(|name| sample::category(name, 6)).to_vec();
    let page = Report::new("two", "patchcore", categories).to_html();
    assert!(page.contains("<h2>Overview</h2>"));
    for (_, attributes) in tags(&page) {
        if let Some((_, rest)) = attributes.split_once("href=\"#") {
            let target = rest.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
        }
    }
    assert!(!sample::report("one", 6).to_html().contains("<h2>Overview</h2>"));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let (a, b) = (sample::report("part", 6), sample::report("part", 6));
    assert!(a.to_html() == b.to_html() && a.to_json() == b.to_json());
}

#[test]
fn a_large_set_does_not_make_a_large_page() {
    let small = sample::report("part", 100).to_html().len();
    let large = sample::report(&"n".repeat(4000), 100_000).to_html().len();
    assert!(large < 1_000_000, "{large} bytes, {small} for a small set");
}

/// Names that would run if they were markup.
const HOSTILE: [&str; 8] = [
    "<img src=x onerror=alert(1)>.png",
    "</script><script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "]]><!--",
    "\u{2028}\u{2029}</style>",
    "javascript:alert(1)",
    "&lt;b&gt;&amp;",
];

/// The elements and the names of their attributes.
fn shape(page: &str) -> Vec<(String, Vec<String>)> {
    let attribute_names = |text: &str| {
        // Between the quotes is text; what is left are the names.
        text.split('"').step_by(2).flat_map(str::split_whitespace).map(str::to_string).collect()
    };
    tags(page).into_iter().map(|(name, attributes)| (name, attribute_names(&attributes))).collect()
}

fn tame(report: &Report) {
    let page = report.to_html();
    let expected = shape(&sample::report("part", 6).to_html());
    assert_eq!(shape(&page), expected);
    let read: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(read["title"], report.title);
}

#[test]
fn hostile_names_stay_text() {
    for name in HOSTILE {
        tame(&sample::report(name, 6));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_changes_the_pages_elements(name in "[<>&\"'/=a-z !\\-\\]\u{0}\n\u{2028}é]{0,40}") {
        tame(&sample::report(&name, 6));
    }
}
