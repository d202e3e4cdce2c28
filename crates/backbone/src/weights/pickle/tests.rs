use super::*;

fn all(_: &str, _: &str) -> bool {
    true
}

fn message(bytes: &[u8]) -> String {
    run(bytes, all).unwrap_err().to_string()
}

#[test]
fn plain_values() {
    let pickle = run(b"\x80\x02(NK\x07\x8a\x02\xfe\xffG\x3f\xf8\0\0\0\0\0\0U\x01a\x88t.rest", all).unwrap();
    let Value::Tuple(items) = pickle.root() else { panic!("{:?}", pickle.root()) };
    let values: Vec<&Value> = items.iter().map(|&id| pickle.get(id)).collect();
    assert_eq!(
        values,
        [
            &Value::None,
            &Value::Int(7),
            &Value::Int(-2),
            &Value::Float(1.5),
            &Value::Str("a".to_owned()),
            &Value::Bool(true)
        ]
    );
    assert_eq!(pickle.n_bytes(), 25);
}

#[test]
fn damage_is_named_with_its_place() {
    for (bytes, expected) in [
        (&b"\x80\x02N\xee."[..], "bad pickle at byte 3: unknown opcode 0xee"),
        (b"\x80\x09.", "bad pickle at byte 0: protocol 9, expected 2 to 5"),
        (b"\x80\x02.", "bad pickle at byte 2: the stack is empty"),
        (b"\x80\x02h\x05.", "bad pickle at byte 2: memo 5 was never set"),
        (b"\x80\x02t.", "bad pickle at byte 2: no MARK is set"),
        (b"\x80\x02K\x01(\x85.", "bad pickle at byte 5: the stack is empty"),
        (b"\x80\x02}(K\x01u.", "bad pickle at byte 6: a dict key without a value"),
        (b"\x80\x02K\x01K\x02a.", "bad pickle at byte 6: appends to an int"),
        (b"\x80\x02K\x01K\x02K\x03s.", "bad pickle at byte 8: sets an item of an int"),
        (b"\x80\x02X\x05\0\0\0abc", "bad pickle at byte 2: needs 5 bytes, 3 are left"),
        (b"\x80\x02X\x01\0\0\0\xff.", "bad pickle at byte 2: a string is not valid UTF-8"),
        (b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "needs 18446744073709551615 bytes"),
        (b"\x80\x02\x8b\0\0\0\x40.", "needs 1073741824 bytes"),
        (b"\x80\x02\x8a\x09123456789.", "an integer of 9 bytes"),
        (b"\x80\x02]\x81.", "unknown opcode 0x81"),
        (b"\x80\x02Nr\xff\xff\xff\xff.", "pickle memo: 4294967295 is over the limit"),
        (b"\x80\x02N", "needs 1 bytes, 0 are left"),
    ] {
        assert!(message(bytes).contains(expected), "{}", message(bytes));
    }
}

#[test]
fn a_memo_bomb_stays_small() {
    // Ten copies of the level below, 200 levels deep: 10^200 values if they were copied.
    let mut bytes = b"\x80\x02]q\x00".to_vec();
    for level in 0..200u8 {
        bytes.push(b'(');
        bytes.extend([b'h', level].repeat(10));
        bytes.extend([b'l', b'q', level + 1]);
    }
    bytes.push(b'.');
    assert_eq!(run(&bytes, all).unwrap().values().count(), 201);
}

#[test]
fn depth_needs_no_stack() {
    let deep = [b"\x80\x02)".to_vec(), vec![0x85; 900_000], vec![b'.']].concat();
    assert!(run(&deep, all).is_ok());
    let deeper = [b"\x80\x02)".to_vec(), vec![0x85; 1_100_000], vec![b'.']].concat();
    assert!(message(&deeper).contains("pickle values: 1000000 is over the limit"));
    let marks = [b"\x80\x02".to_vec(), vec![b'('; 1_100_000]].concat();
    assert!(message(&marks).contains("pickle marks"));
    let copies = [b"\x80\x02N".to_vec(), vec![b'2'; 1_100_000]].concat();
    assert!(message(&copies).contains("pickle stack"));
}

#[test]
fn a_list_in_itself_is_harmless() {
    let pickle = run(b"\x80\x02]q\x00h\x00a.", all).unwrap();
    assert_eq!(pickle.values().count(), 1);
}
