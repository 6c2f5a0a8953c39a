# The commands of CONTRIBUTING.md and docs/testing.md. `just` lists them.

default:
    @just --list

# Run the API on this machine, with demo data
local *options:
    cargo local {{ options }}

# Run every test that needs only Rust and a C compiler
test:
    cargo test --workspace

# Run the API tests of one subject, such as `just api credits`
api subject:
    cargo test --workspace --test api -- {{ subject }}

# Run the tests that need cargo-lambda, curl and openssl
tools:
    cargo test --workspace --test tools

# Write another function, such as `just new-function suggest-meetings --route "POST /v1/ai/suggest-meetings" --permission write:ai --group Follow-ups`
[positional-arguments]
new-function name *options:
    cargo new-function "$@"

# Renew docs/openapi.json
openapi:
    cargo openapi > openapi.new && mv openapi.new docs/openapi.json

# Run what has to pass before a change lands
ci:
    .ci/run
