//! Lists of data sets: the texts that say what each picture is.

pub(crate) fn manifest_csv() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 2] = [
        b"image_path,split,label,defect,mask_path,category\n\
          train/0.png,train,normal,good,,bolt\n\
          \"test/a, b.png\",test,anomaly,dent,masks/1.png;masks/2.png,bolt\n\
          ./test/2.png,unlabelled,,,,nut\n",
        b"\xef\xbb\xbfimage_path,split,label_index,note\r\ntrain/0.png,val,0,x\r\ntest/1.png,test,1,\"a \"\"b\"\"\"\r\n",
    ];
    texts.map(<[u8]>::to_vec).to_vec()
}

pub(crate) fn manifest_jsonl() -> Vec<Vec<u8>> {
    let text: &[u8] = br#"{"image_path": "train/0.png", "split": "train", "label": "normal"}
{"image_path": "test/1.png", "split": "test", "label_index": 1, "mask_path": ["masks/1.png", "masks/2.png"]}

{"image_path": "test/\u00fc.png", "split": "unlabelled", "label": null, "category": "nut", "note": [1.5e3, {}]}
"#;
    vec![text.to_vec()]
}

pub(crate) fn visa() -> Vec<Vec<u8>> {
    let text: &[u8] = b"object,split,label,image,mask\n\
        candle,train,normal,candle/Data/Images/Normal/0.JPG,\n\
        candle,test,anomaly,candle/Data/Images/Anomaly/1.JPG,candle/Data/Masks/Anomaly/1.png\n";
    vec![text.to_vec()]
}

pub(crate) fn real_iad() -> Vec<Vec<u8>> {
    let text: &[u8] = br#"{"meta": {"prefix": "bolt/"}, "train": [{"category": "bolt", "anomaly_class": "OK",
"image_path": "OK/S0001/0.jpg", "mask_path": null}], "test": [{"anomaly_class": "AK", "image_path": "NG/AK/1.jpg",
"mask_path": "NG/AK/1.png"}]}"#;
    vec![text.to_vec()]
}

pub(crate) fn loco() -> Vec<Vec<u8>> {
    let text: &[u8] = br#"[{"defect_name": "logical", "pixel_value": 255, "saturation_threshold": 0.5,
"relative_saturation": true}, {"defect_name": "bent", "pixel_value": 254, "saturation_threshold": 5000,
"relative_saturation": false}]"#;
    vec![text.to_vec()]
}
