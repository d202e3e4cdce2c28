//! `patchcore calibrate`: thresholds of a model from new good pictures.

use crate::args::{Calibrate, Shown};
use crate::commands::fit::{good_pictures, threshold};
use crate::exit::{Code, Failure};
use crate::progress::Bars;
use crate::{backbone, output};
use patchcore_files::shown;
use serde_json::json;

pub(crate) fn run(args: &Calibrate, how: Shown) -> Result<Code, Failure> {
    output::check_file(&args.output, args.force)?;
    output::check_no_input(&args.output, &args.weights)?;
    let mut model = backbone::open_model(&args.model, &args.weights)?;
    let good = good_pictures(&args.good)?;
    output::check_no_input(&args.output, &good.paths)?;
    model.calibrate(&good, args.false_alarm_rate, &Bars::new(how))?;
    let fitted = model.fitted();
    fitted.save(&args.output, args.force)?;
    if how.json {
        let calibration = fitted.calibration.as_ref();
        let summary = json!({
            "model": args.output.to_string_lossy(),
            "pictures": good.paths.len(),
            "image_threshold": calibration.map(|c| output::score_json(c.image_threshold)),
            "false_alarm_rate": calibration.map(|c| c.false_alarm_rate),
        });
        output::line(&summary.to_string())?;
    } else {
        output::line(&format!("calibrated {} on {} pictures", shown(&args.output), good.paths.len()))?;
        output::line(&threshold(fitted))?;
    }
    Ok(Code::Done)
}
