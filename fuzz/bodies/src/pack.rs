//! A corpus in one file: each input behind its length.

/// The inputs of a packed corpus.
pub fn unpack(packed: &[u8]) -> Vec<Vec<u8>> {
    let (mut inputs, mut rest) = (Vec::new(), packed);
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let (input, behind) = behind.split_at_checked(length).expect("a packed corpus that is cut short");
        inputs.push(input.to_vec());
        rest = behind;
    }
    assert!(rest.is_empty(), "a packed corpus that is cut short");
    inputs
}

/// Packs inputs, the shortest first.
pub fn pack(mut inputs: Vec<Vec<u8>>) -> Vec<u8> {
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let mut packed = Vec::new();
    for input in inputs {
        packed.extend_from_slice(&u32::try_from(input.len()).expect("a small input").to_le_bytes());
        packed.extend_from_slice(&input);
    }
    packed
}
