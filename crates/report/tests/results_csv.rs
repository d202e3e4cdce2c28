//! The table against files that the original program wrote.

use patchcore_report::{ResultsRow, results_csv};
use patchcore_testkit::shared;

/// The rows of an original file, without `Mean`, by the columns that we write.
fn rows(text: &str) -> Vec<ResultsRow> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let column = |name: &str| header.iter().position(|&h| h == name).expect("a column");
    let [a, b, c] = ["instance_auroc", "full_pixel_auroc", "anomaly_pixel_auroc"].map(column);
    lines
        .filter(|cells| cells[0] != "Mean")
        .map(|cells| ResultsRow {
            name: cells[0].into(),
            instance_auroc: cells[a].parse().ok(),
            full_pixel_auroc: cells[b].parse().ok(),
            anomaly_pixel_auroc: cells[c].parse().ok(),
        })
        .collect()
}

#[test]
fn a_whole_file_byte_by_byte() {
    for run in ["saved_cli_single", "saved_cli_ensemble"] {
        let Some(path) = shared(&format!("golden/{run}/results.csv")) else { return };
        let original = std::fs::read_to_string(path).expect("readable");
        assert_eq!(results_csv(&rows(&original)), original, "{run}");
    }
}

#[test]
fn the_published_tables_to_the_last_digit() {
    let Some(folder) = shared("published") else { return };
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("text");
        if !name.starts_with("IM") || path.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        let original = std::fs::read_to_string(&path).expect("readable");
        let rows = rows(&original);
        let ours = results_csv(&rows);
        assert_eq!(ours.lines().count(), rows.len() + 2, "{name}");
        let header: Vec<&str> = original.lines().next().expect("a header").split(',').collect();
        for (line, expected) in ours.lines().zip(original.lines()) {
            let cells: Vec<&str> = expected.split(',').collect();
            let ours_header = ["Row Names", "instance_auroc", "full_pixel_auroc", "anomaly_pixel_auroc"];
            let kept = ours_header.map(|h| cells[header.iter().position(|c| *c == h).expect("a column")]);
            assert_eq!(line, kept.join(","), "{name}");
        }
        compared += 1;
    }
    assert!(compared > 0, "no published table was found");
}
