use super::*;

const ALL: Rules = Rules::Names(|_, _| true);

fn message(bytes: &[u8]) -> String {
    run(bytes, ALL).unwrap_err().to_string()
}

#[test]
fn plain_values() {
    let pickle = run(b"\x80\x02(NK\x07\x8a\x02\xfe\xffG\x3f\xf8\0\0\0\0\0\0U\x01a\x88t.rest", ALL).unwrap();
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
        (&b"\x80\x02N\xee."[..], "byte 3: unknown opcode 0xee"),
        (b"\x80\x09.", "byte 0: protocol 9, expected 2 to 5"),
        (b"\x80\x02.", "byte 2: the stack is empty"),
        (b"\x80\x02h\x05.", "byte 2: memo 5 was never set"),
        (b"\x80\x02t.", "byte 2: no MARK is set"),
        (b"\x80\x02K\x01(\x85.", "byte 5: the stack is empty"),
        (b"\x80\x02}(K\x01u.", "byte 6: a dict key without a value"),
        (b"\x80\x02K\x01K\x02a.", "byte 6: appends to an int"),
        (b"\x80\x02K\x01K\x02K\x03s.", "byte 8: sets an item of an int"),
        (b"\x80\x02X\x05\0\0\0abc", "byte 2: needs 5 bytes, 3 are left"),
        (b"\x80\x02X\x01\0\0\0\xff.", "byte 2: a string is not valid UTF-8"),
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
fn case_41_a_memo_bomb_stays_small() {
    // Ten copies of the level below, 200 levels deep: 10^200 values if they were copied.
    let mut bytes = b"\x80\x02]q\x00".to_vec();
    for level in 0..200u8 {
        bytes.push(b'(');
        bytes.extend([b'h', level].repeat(10));
        bytes.extend([b'l', b'q', level + 1]);
    }
    bytes.push(b'.');
    assert_eq!(run(&bytes, ALL).unwrap().values().count(), 201);
}

#[test]
fn case_41_depth_needs_no_stack() {
    let deep = [b"\x80\x02)".to_vec(), vec![0x85; 900_000], vec![b'.']].concat();
    assert!(run(&deep, ALL).is_ok());
    let deeper = [b"\x80\x02)".to_vec(), vec![0x85; 1_100_000], vec![b'.']].concat();
    assert!(message(&deeper).contains("pickle values: 1000000 is over the limit"));
    let marks = [b"\x80\x02".to_vec(), vec![b'('; 1_100_000]].concat();
    assert!(message(&marks).contains("pickle marks"));
    let copies = [b"\x80\x02N".to_vec(), vec![b'2'; 1_100_000]].concat();
    assert!(message(&copies).contains("pickle stack"));
}

#[test]
fn case_41_a_list_in_itself_is_harmless() {
    let pickle = run(b"\x80\x02]q\x00h\x00a.", ALL).unwrap();
    assert_eq!(pickle.values().count(), 1);
}

#[test]
fn case_40_plain_data_runs_nothing_whatever_its_opcodes() {
    for (bytes, expected) in [
        (&b"\x80\x04cos\nsystem\n."[..], "byte 2: GLOBAL os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "byte 14: STACK_GLOBAL os.system"),
        (b"\x80\x02(ios\nsystem\n.", "byte 3: INST os.system"),
        (b"\x80\x02N)R.", "byte 4: REDUCE"),
        (b"\x80\x02}}b.", "byte 4: BUILD"),
        (b"\x80\x02(No.", "byte 4: OBJ"),
        (b"\x80\x02N)\x81.", "byte 4: NEWOBJ"),
        (b"\x80\x04N)}\x92.", "byte 5: NEWOBJ_EX"),
        (b"\x80\x02Pa\n.", "byte 2: PERSID"),
        (b"\x80\x02NQ.", "byte 3: BINPERSID"),
        (b"\x80\x02\x82\x01.", "byte 2: EXT1"),
    ] {
        let error = run(bytes, Rules::Data(|_| true)).unwrap_err();
        assert_eq!(error.to_string(), format!("{expected} is refused: it would run code"));
    }
    let error = run(b"\x80\x02K\x01.", Rules::Data(|opcode| opcode == 0x80)).unwrap_err();
    assert_eq!(error.to_string(), "byte 2: opcode 0x4b is not part of such a file");
}

/// A class instance: `cls.__new__(cls)`, then its fields.
const OBJECT: &[u8] = b"\x80\x02cshop\nThing\n)\x81}X\x01\0\0\0aK\x05sb.";

#[test]
fn an_object_is_its_name_and_its_fields() {
    let pickle = run(OBJECT, Rules::Objects).unwrap();
    let Value::Call { callee, attributes: Some(attributes), .. } = pickle.root() else { panic!("no call") };
    let state = attributes.state.unwrap();
    assert_eq!(pickle.get(*callee), &Value::Name { module: "shop".into(), name: "Thing".into() });
    let Value::Dict { items, .. } = pickle.get(state) else { panic!("no fields") };
    assert_eq!(pickle.get(items[0].1), &Value::Int(5));
    assert_eq!(run(OBJECT, ALL).unwrap_err().to_string(), "byte 15: unknown opcode 0x81");
}

#[test]
fn objects_take_items_and_elements() {
    for (tail, items, elements) in [(&b"K\x01K\x02s."[..], 1, 0), (b"(K\x01K\x02e.", 0, 2)] {
        let bytes = [b"\x80\x02cshop\nThing\n)R", tail].concat();
        let pickle = run(&bytes, Rules::Objects).unwrap();
        let Value::Call { attributes: Some(attributes), .. } = pickle.root() else { panic!("no call") };
        assert_eq!((attributes.items.len(), attributes.elements.len()), (items, elements));
        assert!(run(&bytes, ALL).is_err());
    }
    let bound = b"\x80\x02c__builtin__\ngetattr\nNX\x03\0\0\0log\x86R)R.";
    assert!(matches!(run(bound, Rules::Objects).unwrap().root(), Value::Call { .. }));
    assert_eq!(run(bound, ALL).unwrap_err().to_string(), "byte 35: calls a call with a tuple");
}

#[test]
fn a_far_memo_entry_needs_no_room() {
    let far = b"\x80\x02Nr\x3f\x42\x0f\0j\x3f\x42\x0f\0.";
    assert_eq!(run(far, ALL).unwrap().root(), &Value::None);
}
