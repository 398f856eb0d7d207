//! The function that the harness measures `provided.al2023` with: the Runtime API on one connection,
//! with the standard library alone. It answers what it was sent.
#![forbid(unsafe_code)]

use std::{
    env,
    error::Error,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

const BASE: &str = "/2018-06-01/runtime/invocation";

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let connection = TcpStream::connect(env::var("AWS_LAMBDA_RUNTIME_API")?)?;
    connection.set_nodelay(true)?;
    let mut connection = BufReader::new(connection);
    loop {
        let (id, event) = call(&mut connection, &format!("GET {BASE}/next"), b"")?;
        call(&mut connection, &format!("POST {BASE}/{id}/response"), &event)?;
    }
}

/// Sends a request; the request id in the answer, if there is one, and the answer's body.
fn call(
    connection: &mut BufReader<TcpStream>,
    line: &str,
    body: &[u8],
) -> Fallible<(String, Vec<u8>)> {
    let head = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.get_mut().write_all(&[head.as_bytes(), body].concat())?;
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Err("the Runtime API is gone".into());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            continue; // The status: what is not 2xx shows in the harness.
        };
        match name.to_ascii_lowercase().as_str() {
            "lambda-runtime-aws-request-id" => value.clone_into(&mut id),
            "content-length" => length = value.parse()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok((id, body))
}
