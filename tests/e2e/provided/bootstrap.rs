//! A custom runtime for the tests of `provided.al2023`: the Runtime API by hand, on the standard
//! library alone. It answers with what its event asks for, told by a word within the event.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::exit;
use std::thread::sleep;
use std::time::Duration;

const BASE: &str = "/2018-06-01/runtime";

/// One request on the worker's only connection; its answer's head and body.
fn call(connection: &mut BufReader<TcpStream>, method: &str, path: &str, body: &str) -> (String, String) {
    let length = body.len();
    let request = format!("{method} {BASE}/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(connection.read_line(&mut head).unwrap(), 0, "the Runtime API is gone");
    }
    let mut body = vec![0; header(&head, "content-length").parse().unwrap()];
    connection.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn header(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn text(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The process: its variables, folder and program, as JSON.
fn environment() -> String {
    let variables: Vec<_> = env::vars().map(|(name, value)| format!("{}:{}", text(&name), text(&value))).collect();
    let program = env::args().next().unwrap();
    let arguments = env::args().count() - 1;
    let folder = env::current_dir().unwrap().display().to_string();
    format!(
        "{{\"variables\":{{{}}},\"program\":{},\"arguments\":{arguments},\"folder\":{}}}",
        variables.join(","),
        text(&program),
        text(&folder)
    )
}

fn main() {
    let mut connection = BufReader::new(TcpStream::connect(env::var("AWS_LAMBDA_RUNTIME_API").unwrap()).unwrap());
    println!("starting");
    if let Ok(reason) = env::var("FAIL_INIT") {
        let error = format!("{{\"errorMessage\":{},\"errorType\":\"My.InitError\"}}", text(&reason));
        call(&mut connection, "POST", "init/error", &error);
        exit(1);
    }
    let mut events = 0;
    loop {
        let (head, event) = call(&mut connection, "GET", "invocation/next", "");
        let id = header(&head, "lambda-runtime-aws-request-id");
        events += 1;
        let mut outcome = "response";
        let answer = if event.contains("environment") {
            environment()
        } else if event.contains("context") {
            let names = ["lambda-runtime-invoked-function-arn", "lambda-runtime-deadline-ms", "lambda-runtime-trace-id"];
            let values: Vec<_> = names.iter().map(|name| text(&header(&head, name))).collect();
            format!("[{},{}]", text(&id), values.join(","))
        } else if event.contains("events") {
            events.to_string()
        } else if event.contains("fail") {
            outcome = "error";
            "{\"errorMessage\":\"it \\\"failed\\\"\",\"errorType\":\"My.Error\",\"own\":[1]}".to_owned()
        } else if event.contains("exit") {
            exit(3);
        } else if event.contains("abort") {
            std::process::abort();
        } else if event.contains("sleep") {
            sleep(Duration::from_secs(60));
            "null".to_owned()
        } else if event.contains("print") {
            println!("to standard output");
            eprintln!("to standard error");
            "null".to_owned()
        } else {
            event
        };
        call(&mut connection, "POST", &format!("invocation/{id}/{outcome}"), &answer);
    }
}
