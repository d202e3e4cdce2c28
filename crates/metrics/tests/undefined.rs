//! What has no value says why.

use patchcore_metrics::{
    Connectivity, PixelPicture, Undefined, aupro, auroc, average_precision, f1_max,
    pixel_auroc_anomalous_only, pixel_metrics, pro_curve, reference_f1_max, roc_curve,
};

/// The same reason from every metric of a list.
fn assert_reason(scores: &[f32], labels: &[bool], reason: &Undefined) {
    assert_eq!(auroc(scores, labels).as_ref(), Err(reason));
    assert_eq!(roc_curve(scores, labels).as_ref(), Err(reason));
    assert_eq!(average_precision(scores, labels).as_ref(), Err(reason));
    assert_eq!(f1_max(scores, labels).as_ref(), Err(reason));
    assert_eq!(reference_f1_max(scores, labels).as_ref(), Err(reason));
}

#[test]
fn lists() {
    assert_reason(&[], &[], &Undefined::Empty);
    assert_reason(&[1.0], &[], &Undefined::LengthMismatch { scores: 1, labels: 0 });
    assert_reason(&[1.0, 2.0], &[false, false], &Undefined::NoAnomalous);
    assert_reason(&[1.0], &[true], &Undefined::NoNormal);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_reason(&[1.0, 0.0, bad], &[true, false, true], &Undefined::NotFinite { index: 2 });
    }
}

const PLAIN: PixelPicture<'_> =
    PixelPicture { height: 1, width: 3, scores: &[0.1, 0.2, 0.3], mask: &[false, false, true] };

#[test]
fn a_broken_picture_spoils_every_metric() {
    let broken = PixelPicture { scores: &[0.1, f32::NAN, 0.3], ..PLAIN };
    let cases = [
        (vec![], Undefined::Empty),
        (vec![PLAIN, broken], Undefined::NotFinitePixel { picture: 1, index: 1 }),
        (
            vec![PixelPicture { height: 2, ..PLAIN }],
            Undefined::PictureSize { picture: 0, height: 2, width: 3, scores: 3, mask: 3 },
        ),
        (
            vec![PLAIN, PixelPicture { mask: &[], ..PLAIN }],
            Undefined::PictureSize { picture: 1, height: 1, width: 3, scores: 3, mask: 0 },
        ),
        (
            vec![PixelPicture { height: usize::MAX, ..PLAIN }],
            Undefined::PictureSize { picture: 0, height: usize::MAX, width: 3, scores: 3, mask: 3 },
        ),
    ];
    for (pictures, reason) in cases {
        let all = pixel_metrics(&pictures, &[0.3]);
        assert_eq!(all.auroc.as_ref(), Err(&reason));
        assert_eq!(all.auroc_anomalous_only.as_ref(), Err(&reason));
        assert_eq!(all.average_precision.as_ref(), Err(&reason));
        assert_eq!(all.f1_max.as_ref(), Err(&reason));
        assert_eq!(all.aupro[0].value.as_ref(), Err(&reason));
        assert_eq!(aupro(&pictures, 0.3, Connectivity::Eight).as_ref(), Err(&reason));
        assert_eq!(pro_curve(&pictures, Connectivity::Four).as_ref(), Err(&reason));
    }
}

#[test]
fn good_pictures_only() {
    let all = pixel_metrics(&[PixelPicture { mask: &[false; 3], ..PLAIN }], &[0.3, 0.0]);
    assert_eq!(all.auroc, Err(Undefined::NoAnomalous));
    assert_eq!(all.auroc_anomalous_only, Err(Undefined::NoAnomalous));
    assert_eq!(all.average_precision, Err(Undefined::NoAnomalous));
    assert_eq!(all.f1_max, Err(Undefined::NoAnomalous));
    assert_eq!(all.aupro[0].value, Err(Undefined::NoRegion));
    assert_eq!(all.aupro[1].value, Err(Undefined::InvalidLimit { limit: 0.0 }));
}

#[test]
fn a_picture_that_is_all_defect() {
    let defect = PixelPicture { mask: &[true; 3], ..PLAIN };
    let good = PixelPicture { mask: &[false; 3], ..PLAIN };
    assert_eq!(aupro(&[defect], 0.3, Connectivity::Eight), Err(Undefined::NoNormal));
    assert_eq!(pixel_metrics(&[defect], &[]).f1_max, Err(Undefined::NoNormal));
    // With a good picture beside it only the value over anomalous pictures stays undefined.
    assert_eq!(pixel_auroc_anomalous_only(&[defect, good]), Err(Undefined::NoNormal));
    assert_eq!(pixel_metrics(&[defect, good], &[]).auroc, Ok(0.5));
}

#[test]
fn an_empty_picture_adds_nothing() {
    let empty = PixelPicture { height: 0, width: 7, scores: &[], mask: &[] };
    assert_eq!(pixel_metrics(&[empty], &[]).auroc, Err(Undefined::Empty));
    assert_eq!(pixel_metrics(&[PLAIN, empty], &[0.3]), pixel_metrics(&[PLAIN], &[0.3]));
}

#[test]
fn reasons_read_as_prose() {
    assert_eq!(Undefined::NoAnomalous.to_string(), "nothing is labelled anomalous");
    assert_eq!(
        Undefined::NotFinitePixel { picture: 3, index: 17 }.to_string(),
        "pixel 17 of picture 3 has a score that is not a finite number"
    );
    assert_eq!(
        Undefined::InvalidLimit { limit: 1.5 }.to_string(),
        "the limit of the false positive rate is 1.5, expected more than 0 and at most 1"
    );
}
