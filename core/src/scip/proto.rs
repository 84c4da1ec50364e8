//! Protocol buffers as SCIP files are written: fields of a message, one after the other. What they mean is others' business.

use super::ScipError;

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
    pub fn text(self) -> Result<&'a str, ScipError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ScipError::NoText)
    }

    /// As bytes.
    pub fn bytes(self) -> Result<&'a [u8], ScipError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(ScipError::WrongKind),
        }
    }

    /// As a number.
    pub fn number(self) -> Result<u64, ScipError> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => Err(ScipError::WrongKind),
        }
    }

    /// As a packed list.
    pub fn numbers(self) -> Result<Vec<u64>, ScipError> {
        let mut rest = self.bytes()?;
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            numbers.push(varint(&mut rest)?);
        }
        Ok(numbers)
    }
}

/// Calls `take` with number and value of each field of a message.
pub fn fields<'a, E: From<ScipError>>(
    mut message: &'a [u8],
    mut take: impl FnMut(u64, Value<'a>) -> Result<(), E>,
) -> Result<(), E> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut message)?),
            1 => Value::Bytes(split(&mut message, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut message)?).map_err(|_| ScipError::Cut)?;
                Value::Bytes(split(&mut message, length)?)
            }
            5 => Value::Bytes(split(&mut message, 4)?),
            _ => return Err(ScipError::WrongKind.into()),
        };
        take(key >> 3, value)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ScipError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(ScipError::Cut)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(ScipError::WrongKind)
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], ScipError> {
    let (head, rest) = bytes.split_at_checked(length).ok_or(ScipError::Cut)?;
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
            Ok::<_, ScipError>(())
        })
        .unwrap();
        assert_eq!(seen[0], (1, Value::Number(150)));
        assert_eq!(seen[1].1.text().unwrap(), "ok");
        assert_eq!(seen[2].1.numbers().unwrap(), [1, 128]);
    }

    #[test]
    fn a_cut_message_is_an_error() {
        for message in [&[0x12, 0x05, b'o'][..], &[0x08, 0x80], &[0x0F]] {
            assert!(fields(message, |_, _| Ok::<_, ScipError>(())).is_err(), "{message:?}");
        }
    }
}
