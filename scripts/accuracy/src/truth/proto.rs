//! Protocol buffers as SCIP files are written: fields of a message, one after the other. What they mean is `scip`'s business.

use anyhow::Context;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Number(u64),
    /// A text, a message, or a packed list of numbers.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// As text.
    pub fn text(self) -> anyhow::Result<&'a str> {
        Ok(std::str::from_utf8(self.bytes()?)?)
    }

    /// As bytes.
    pub fn bytes(self) -> anyhow::Result<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(number) => anyhow::bail!("{number} stands where bytes are wanted"),
        }
    }

    /// As a number.
    pub fn number(self) -> anyhow::Result<u64> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => anyhow::bail!("bytes stand where a number is wanted"),
        }
    }

    /// As a packed list.
    pub fn numbers(self) -> anyhow::Result<Vec<u64>> {
        let mut rest = self.bytes()?;
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            numbers.push(varint(&mut rest)?);
        }
        Ok(numbers)
    }
}

/// Calls `take` with number and value of each field of a message.
pub fn fields<'a>(
    mut message: &'a [u8],
    mut take: impl FnMut(u64, Value<'a>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut message)?),
            1 => Value::Bytes(split(&mut message, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut message)?)?;
                Value::Bytes(split(&mut message, length)?)
            }
            5 => Value::Bytes(split(&mut message, 4)?),
            kind => anyhow::bail!("a field is of the unknown kind {kind}"),
        };
        take(key >> 3, value)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> anyhow::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().context("the file is cut within a number")?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    anyhow::bail!("a number is longer than 64 bits")
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> anyhow::Result<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(length).context("the file is cut within a field")?;
    *bytes = rest;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_their_order() {
        let message = [0x08, 0x96, 0x01, 0x12, 0x02, b'o', b'k', 0x1A, 0x03, 1, 0x80, 0x01];
        let mut seen = Vec::new();
        fields(&message, |number, value| {
            seen.push((number, value));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen[0], (1, Value::Number(150)));
        assert_eq!(seen[1].1.text().unwrap(), "ok");
        assert_eq!(seen[2].1.numbers().unwrap(), [1, 128]);
    }

    #[test]
    fn a_cut_message_is_an_error() {
        for message in [&[0x12, 0x05, b'o'][..], &[0x08, 0x80], &[0x0F]] {
            assert!(fields(message, |_, _| Ok(())).is_err(), "{message:?}");
        }
    }
}
