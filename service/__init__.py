"""The faces of kehoach: command line, HTTP interface and web page, and the settings and pipeline behind them."""
