module rollgate/tools/certificates

go 1.26.0
