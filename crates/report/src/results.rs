//! The table of results that the original program writes.

/// One data set's line in `results.csv`; a metric that is undefined is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultsRow {
    /// What was evaluated: `mvtec_bottle` in the original.
    pub name: String,
    /// Image AUROC.
    pub instance_auroc: Option<f64>,
    /// Pixel AUROC over all pictures.
    pub full_pixel_auroc: Option<f64>,
    /// Pixel AUROC over the pictures with a defect.
    pub anomaly_pixel_auroc: Option<f64>,
}

const HEADER: [&str; 4] = ["Row Names", "instance_auroc", "full_pixel_auroc", "anomaly_pixel_auroc"];

/// The rows and their mean, byte for byte as the original writes them.
///
/// A header, one line per row, last the line `Mean`; lines end in CR LF; numbers are the shortest that read
/// back to the same `f64`, as Python prints them. An undefined metric (`None`, or a number that is not finite) is an
/// empty cell and left out of the mean; a mean of nothing is empty too.
///
/// A name that begins with `=`, `+`, `-`, `@`, a tab or a line break, which a spreadsheet might run as a formula, gets an
/// apostrophe in front. Names with commas or quotes are quoted.
///
/// # Examples
///
/// ```
/// # use patchcore_report::{ResultsRow, results_csv};
/// let row = ResultsRow {
///     name: "mvtec_bottle".into(),
///     instance_auroc: Some(1.0),
///     full_pixel_auroc: Some(0.985958995503872),
///     anomaly_pixel_auroc: None,
/// };
/// assert_eq!(
///     results_csv(&[row]),
///     "Row Names,instance_auroc,full_pixel_auroc,anomaly_pixel_auroc\r\n\
///      mvtec_bottle,1.0,0.985958995503872,\r\n\
///      Mean,1.0,0.985958995503872,\r\n"
/// );
/// ```
pub fn results_csv(rows: &[ResultsRow]) -> String {
    let mut lines = vec![HEADER.map(String::from)];
    for row in rows {
        let [a, b, c] = metrics(row).map(cell);
        lines.push([harmless(&row.name), a, b, c]);
    }
    let [a, b, c] = std::array::from_fn(|i| {
        let defined: Vec<f64> = rows.iter().filter_map(|row| metrics(row)[i]).collect();
        cell(mean(&defined))
    });
    lines.push(["Mean".into(), a, b, c]);
    encode(&lines)
}

fn metrics(row: &ResultsRow) -> [Option<f64>; 3] {
    [row.instance_auroc, row.full_pixel_auroc, row.anomaly_pixel_auroc]
        .map(|metric| metric.filter(|value| value.is_finite()))
}

fn cell(metric: Option<f64>) -> String {
    metric.map(python_repr).unwrap_or_default()
}

fn harmless(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{name}") } else { name.into() }
}

/// Rust and Python agree on the digits and on when an exponent is used; Python signs it and gives it two digits.
fn python_repr(value: f64) -> String {
    let text = format!("{value:?}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| numpy_sum(values) / values.len() as f64)
}

/// The sum in the order in which `NumPy` adds, so that the last digit of a mean agrees too.
///
/// Below 8 values one by one; up to 128 in eight lanes, the rest behind them; above that by halves.
fn numpy_sum(values: &[f64]) -> f64 {
    if values.len() > 128 {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % 8);
        return numpy_sum(left) + numpy_sum(right);
    }
    let (groups, rest) = values.as_chunks::<8>();
    let lanes = groups.iter().copied().reduce(|sum, group| std::array::from_fn(|i| sum[i] + group[i]));
    let whole = lanes.map_or(0.0, |[a, b, c, d, e, f, g, h]| ((a + b) + (c + d)) + ((e + f) + (g + h)));
    rest.iter().fold(whole, |sum, value| sum + value)
}

fn encode(lines: &[[String; 4]]) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::with_capacity(1024));
    for line in lines {
        writer.write_record(line).expect("memory takes every write, and all lines have four cells");
    }
    let bytes = writer.into_inner().expect("memory takes every write");
    String::from_utf8(bytes).expect("only text was written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_python_prints_them() {
        for (value, expected) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (2.5e-300, "2.5e-300"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.25e22, "-1.25e+22"),
        ] {
            assert_eq!(python_repr(value), expected);
        }
    }

    #[test]
    fn sums_in_numpys_order() {
        // numpy.sum of 1/1, 1/2, .. 1/n.
        for (n, expected) in NUMPY_HARMONIC {
            let values: Vec<f64> = (1..=n).map(|i| 1.0 / f64::from(i)).collect();
            assert_eq!(numpy_sum(&values), expected, "n = {n}");
        }
    }

    const NUMPY_HARMONIC: [(i32, f64); 10] = [
        (1, 1.0),
        (7, 2.592_857_142_857_142_5),
        (8, 2.717_857_142_857_142_5),
        (15, 3.318_228_993_228_993_7),
        (16, 3.380_728_993_228_993_7),
        (100, 5.187_377_517_639_621),
        (128, 5.433_147_092_589_173),
        (129, 5.440_899_030_573_669),
        (300, 6.282_663_880_299_504),
        (1000, 7.485_470_860_550_345),
    ];

    #[test]
    fn what_a_spreadsheet_might_run_is_disarmed() {
        let row = |name: &str| ResultsRow {
            name: name.into(),
            instance_auroc: Some(0.5),
            full_pixel_auroc: None,
            anomaly_pixel_auroc: Some(f64::NAN),
        };
        let csv = results_csv(&["=cmd()", "+1", "-1", "@x", "\tx", "a,b", "say \"hi\"", "a=b"].map(row));
        let lines: Vec<_> = csv.split("\r\n").skip(1).collect();
        assert_eq!(
            lines,
            [
                "'=cmd(),0.5,,",
                "'+1,0.5,,",
                "'-1,0.5,,",
                "'@x,0.5,,",
                "'\tx,0.5,,",
                "\"a,b\",0.5,,",
                "\"say \"\"hi\"\"\",0.5,,",
                "a=b,0.5,,",
                "Mean,0.5,,",
                ""
            ]
        );
    }

    #[test]
    fn no_rows_have_no_mean() {
        assert_eq!(results_csv(&[]).lines().nth(1), Some("Mean,,,"));
    }
}
