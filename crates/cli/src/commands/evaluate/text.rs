//! Results of an evaluation as tables for people.

use patchcore_evaluation::{Evaluation, Figure, Rate};
use patchcore_files::shown;
use patchcore_metrics::Bounds;
use std::path::Path;

/// The figures over all thresholds: their heads in the table, and their names. One that no category has is no column.
const OVER_ALL: [(&str, &str); 6] = [
    ("image AUROC", "image_auroc"),
    ("image AP", "image_ap"),
    ("pixel AUROC", "pixel_auroc"),
    ("(anomalous)", "pixel_auroc_anomalous_only"),
    ("pixel AP", "pixel_ap"),
    ("AUPIMO", "aupimo"),
];

/// All tables as lines.
pub(super) fn of_all(results: &[Evaluation]) -> Vec<String> {
    let all = All { results, figures: results.iter().map(Evaluation::figures).collect() };
    let mut lines = all.over_all_thresholds();
    lines.extend(all.at_the_threshold());
    lines.extend(all.oracles());
    if let [only] = results {
        lines.extend(types(only));
    }
    let undefined: Vec<String> =
        results.iter().zip(&all.figures).flat_map(|(e, figures)| undefined(&e.category, figures)).collect();
    if !undefined.is_empty() {
        lines.push(String::new());
    }
    lines.extend(undefined);
    lines
}

/// The mean of a figure over the categories that have a value.
pub(super) fn mean(figures: &[Vec<Figure>], name: &str) -> Option<f64> {
    let values: Vec<f64> = figures.iter().filter_map(|own| value(own, name)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn value(figures: &[Figure], name: &str) -> Option<f64> {
    figures.iter().find(|figure| figure.name == name)?.value.clone().ok()
}

struct All<'a> {
    results: &'a [Evaluation],
    figures: Vec<Vec<Figure>>,
}

impl All<'_> {
    fn over_all_thresholds(&self) -> Vec<String> {
        let mut columns = OVER_ALL.map(|(head, name)| (head.to_string(), name.to_string())).to_vec();
        let names = self.figures.iter().flatten().map(|figure| &figure.name);
        let mut areas: Vec<&String> = Vec::new();
        for name in names.filter(|name| name.starts_with("aupro_") || name.starts_with("au_spro_")) {
            if !areas.contains(&name) {
                areas.push(name);
            }
        }
        let with_saturations = areas.iter().any(|name| name.starts_with("au_spro_"));
        let head = |name: &str| name.replace("au_spro_", "AU-sPRO ").replace("aupro_", "AUPRO ");
        let areas = areas.into_iter().map(|name| (head(name), name.clone()));
        let before_last = columns.len() - 1;
        columns.splice(before_last..before_last, areas);
        if with_saturations {
            // The image AUROC that is custom where defects are logical or structural.
            columns.insert(1, ("(by type)".to_string(), "image_auroc_mean_of_types".to_string()));
        }
        let mut table = Table::new(columns.iter().map(|(head, _)| head.as_str()));
        for (evaluation, figures) in self.results.iter().zip(&self.figures) {
            let cells = |pick: &dyn Fn(&Figure) -> Option<f64>| {
                let find = |name: &str| figures.iter().find(|figure| figure.name == name).and_then(pick);
                columns.iter().map(|(_, name)| percent(find(name))).collect::<Vec<_>>()
            };
            table.row(&evaluation.category, cells(&|figure| figure.value.clone().ok()));
            if self.results.len() == 1 {
                table.row("  95 % from", cells(&|figure| figure.bounds.map(|b| b.lower)));
                table.row("  to", cells(&|figure| figure.bounds.map(|b| b.upper)));
            }
        }
        self.means(&mut table, &columns.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>());
        table.lines("   (percent)")
    }

    fn at_the_threshold(&self) -> Vec<String> {
        let heads = [
            "threshold",
            "escapes",
            "(95 %)",
            "overkill",
            "(95 %)",
            "review",
            "precision",
            "recall",
            "F1",
            "pixel F1",
        ];
        let mut table = Table::new(heads);
        for (evaluation, figures) in self.results.iter().zip(&self.figures) {
            let at = evaluation.image.at_threshold.as_ref().ok();
            let rate = |rate: Option<&Rate>| {
                let share = rate.map(|r| r.share);
                let count = share.map_or_else(dash, |share| format!("{} of {}", share.count(), share.of()));
                [count, span(rate.map(|r| r.bounds))]
            };
            let mut cells = vec![at.map_or_else(dash, |at| format!("{:.4}", at.threshold))];
            cells.extend(rate(at.and_then(|at| at.escape_rate.as_ref().ok())));
            cells.extend(rate(at.and_then(|at| at.overkill_rate.as_ref().ok())));
            cells.push(at.map_or_else(dash, |at| at.for_review.iter().sum::<u64>().to_string()));
            for name in ["image_precision", "image_recall", "image_f1", "pixel_f1"] {
                cells.push(percent(value(figures, name)));
            }
            table.row(&evaluation.category, cells);
        }
        let names = ["", "escape_rate", "", "overkill_rate", "", "", "image_precision", "image_recall"];
        self.means(&mut table, &[&names[..], &["image_f1", "pixel_f1"]].concat());
        let title =
            "At the threshold in use, which saw none of these labels (means and other shares in percent):";
        titled(title, table.lines(""))
    }

    fn oracles(&self) -> Vec<String> {
        let heads = ["image F1-max", "threshold", "pixel F1-max", "threshold", "pixel IoU-max", "threshold"];
        let mut table = Table::new(heads);
        for (evaluation, figures) in self.results.iter().zip(&self.figures) {
            let threshold = |t: Option<f32>| t.map_or_else(dash, |t| format!("{t:.4}"));
            let pixel = evaluation.pixel.as_ref().ok();
            let of_pixels = pixel.and_then(|p| p.oracle_f1_max.as_ref().ok());
            let cells = vec![
                percent(value(figures, "oracle_image_f1_max")),
                threshold(evaluation.image.oracle_f1_max.as_ref().ok().map(|best| best.threshold)),
                percent(value(figures, "oracle_pixel_f1_max")),
                threshold(of_pixels.map(|best| best.threshold)),
                percent(value(figures, "oracle_pixel_iou_max")),
                threshold(pixel.and_then(|p| p.oracle_iou_max.as_ref().ok()).map(|best| best.threshold)),
            ];
            table.row(&evaluation.category, cells);
        }
        let names = ["oracle_image_f1_max", "", "oracle_pixel_f1_max", "", "oracle_pixel_iou_max", ""];
        self.means(&mut table, &names);
        titled("Oracle, at the thresholds that these labels choose (percent):", table.lines(""))
    }

    /// A last row with the means of these figures, if there are several categories; no name leaves a cell empty.
    fn means(&self, table: &mut Table, names: &[&str]) {
        if self.results.len() > 1 {
            let cell = |name: &&str| {
                if name.is_empty() { String::new() } else { percent(mean(&self.figures, name)) }
            };
            table.row("mean", names.iter().map(cell).collect());
        }
    }
}

fn types(evaluation: &Evaluation) -> Vec<String> {
    let mut table = Table::new(["pictures", "AUROC", "escapes", "(95 %)"]);
    for own in &evaluation.image.types {
        let escapes = own.escapes.as_ref().ok();
        let count = escapes.map_or_else(dash, |rate| rate.share.count().to_string());
        let cells = vec![
            own.pictures.to_string(),
            percent(own.auroc.clone().ok()),
            count,
            span(escapes.map(|rate| rate.bounds)),
        ];
        table.row(&own.name, cells);
    }
    if evaluation.image.types.is_empty() {
        return Vec::new();
    }
    titled("By type of defect:", table.lines(""))
}

/// Why a category has no value for some figures: those with one reason in one line.
fn undefined(category: &str, figures: &[Figure]) -> Vec<String> {
    let mut reasons: Vec<(&String, Vec<&str>)> = Vec::new();
    for figure in figures {
        let Err(reason) = &figure.value else { continue };
        match reasons.iter_mut().find(|(own, _)| *own == reason) {
            Some((_, names)) => names.push(&figure.name),
            None => reasons.push((reason, vec![&figure.name])),
        }
    }
    let line = |(reason, names): (&String, Vec<&str>)| {
        let are = if names.len() == 1 { "is" } else { "are" };
        format!("{}: {} {are} undefined: {reason}", shown(Path::new(category)), names.join(", "))
    };
    reasons.into_iter().map(line).collect()
}

fn titled(title: &str, table: Vec<String>) -> Vec<String> {
    [vec![String::new(), title.to_string()], table].concat()
}

fn dash() -> String {
    "-".to_string()
}

/// A share in percent.
pub(crate) fn percent(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{:.2}", value * 100.0))
}

/// Bounds of a share in percent.
fn span(bounds: Option<Bounds>) -> String {
    bounds.map_or_else(dash, |b| format!("{:.1} to {:.1}", b.lower * 100.0, b.upper * 100.0))
}

/// Rows with a name and cells, each column as wide as it must be.
pub(crate) struct Table {
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    pub(crate) fn new<'a>(heads: impl IntoIterator<Item = &'a str>) -> Self {
        let heads = heads.into_iter().map(str::to_string).collect();
        Self { rows: vec![(String::new(), heads)] }
    }

    /// A row below; its name may come from a file.
    pub(crate) fn row(&mut self, name: &str, cells: Vec<String>) {
        self.rows.push((shown(Path::new(name)), cells));
    }

    /// The lines, `after` at the end of the first.
    pub(crate) fn lines(&self, after: &str) -> Vec<String> {
        let chars = |text: &String| text.chars().count();
        let column = |i: usize| self.rows.iter().filter_map(|(_, cells)| cells.get(i)).map(chars).max();
        let widths: Vec<usize> = (0..).map_while(column).collect();
        let names = self.rows.iter().map(|(name, _)| chars(name)).max().unwrap_or(0).max(14);
        let line = |(i, (name, cells)): (usize, &(String, Vec<String>))| {
            let cells: Vec<String> =
                cells.iter().zip(&widths).map(|(cell, w)| format!("{cell:>w$}")).collect();
            let line = format!("{name:<names$}  {}{}", cells.join("  "), if i == 0 { after } else { "" });
            line.trim_end().to_string()
        };
        self.rows.iter().enumerate().map(line).collect()
    }
}
