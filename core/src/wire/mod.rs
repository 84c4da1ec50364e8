//! Request and answer types shared by REST, CLI and MCP, with their text rendering. No axum here.
