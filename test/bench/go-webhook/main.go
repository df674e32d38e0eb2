// Command go-webhook answers an edit of a declaration exactly as Sluice's webhook does. It is the yardstick of
// `make bench`: what a careful engineer writes by hand with the standard library alone, with typed fields where the
// rules are about fields, and no framework, schema check, or structural diff.
//
//	go-webhook ADDRESS DIRECTORY    DIRECTORY holds tls.crt and tls.key
package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Two objects of 3 MiB each, the API server's own limit for a request, and 1 MiB for the rest of the review.
const maxReviewBytes = 7 << 20

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go-webhook ADDRESS DIRECTORY")
	}
	address, directory := os.Args[1], os.Args[2]
	pair, err := tls.LoadX509KeyPair(filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /mutate", mutate)
	server := &http.Server{
		Handler:     mux,
		IdleTimeout: 2 * time.Minute, // above the API server's 90 s
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on ", listener.Addr())
	err = server.Serve(tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}))
	if !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func mutate(response http.ResponseWriter, request *http.Request) {
	body, err := readBody(response, request)
	if err != nil {
		http.Error(response, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	var review admissionReview
	if err := json.Unmarshal(body, &review); err != nil || review.Request.UID == "" {
		http.Error(response, "no AdmissionReview", http.StatusBadRequest)
		return
	}
	traceparent := ""
	if !review.Request.DryRun {
		traceparent = childTraceparent(request.Header.Get("traceparent"))
	}
	answer, err := json.Marshal(answerTo(&review.Request, traceparent))
	if err != nil {
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.Write(answer)
}

// readBody reads into one buffer of the announced size, which io.ReadAll would have to find by doubling.
func readBody(response http.ResponseWriter, request *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(response, request.Body, maxReviewBytes)
	if request.ContentLength < 0 || request.ContentLength > maxReviewBytes {
		return io.ReadAll(limited)
	}
	body := make([]byte, request.ContentLength)
	_, err := io.ReadFull(limited, body)
	return body, err
}
