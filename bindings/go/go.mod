module confdclient

go 1.19
