package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log"
	"regexp"
	"strings"
)

// The fields of admission.k8s.io/v1 that a decision may depend on.
type admissionReview struct {
	Request admissionRequest `json:"request"`
}

type admissionRequest struct {
	UID         string      `json:"uid"`
	Operation   string      `json:"operation"`
	Resource    resource    `json:"resource"`
	SubResource string      `json:"subResource"`
	Name        string      `json:"name"`
	UserInfo    userInfo    `json:"userInfo"`
	DryRun      bool        `json:"dryRun"`
	Object      statefulSet `json:"object"`
	OldObject   statefulSet `json:"oldObject"`
}

type resource struct {
	Group    string `json:"group"`
	Resource string `json:"resource"`
}

type userInfo struct {
	Username string `json:"username"`
}

type statefulSet struct {
	Metadata metadata `json:"metadata"`
	Spec     spec     `json:"spec"`
}

type metadata struct {
	DeletionTimestamp string            `json:"deletionTimestamp"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
}

// What is compared or kept whole stays as it came: a typed template would drop the fields that it is too old to know.
type spec struct {
	Replicas       *int            `json:"replicas"`
	UpdateStrategy json.RawMessage `json:"updateStrategy"`
	Template       json.RawMessage `json:"template"`
}

type answerReview struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Response   response `json:"response"`
}

type response struct {
	UID       string   `json:"uid"`
	Allowed   bool     `json:"allowed"`
	PatchType string   `json:"patchType,omitempty"`
	Patch     string   `json:"patch,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

// One operation of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// answerTo admits the request, with the patch and the warnings that the rules give for it.
// An internal error admits it unchanged: it must never turn into a refusal of the user's edit.
func answerTo(request *admissionRequest, traceparent string) answerReview {
	answer := answerReview{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}
	answer.Response = response{UID: request.UID, Allowed: true}
	ops, warnings, err := admitDeclaration(request, traceparent)
	if err != nil {
		log.Print("review failed: ", err)
		answer.Response.Warnings = []string{"the webhook failed on this request and admitted it unchanged"}
		return answer
	}
	answer.Response.Warnings = warnings
	if len(ops) > 0 {
		patch, err := json.Marshal(ops)
		if err != nil {
			log.Print("patch not written: ", err)
			return answer
		}
		answer.Response.PatchType = "JSONPatch"
		answer.Response.Patch = base64.StdEncoding.EncodeToString(patch)
	}
	return answer
}

var traceparentPattern = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$`)

func isTraceparent(text string) bool {
	parts := traceparentPattern.FindStringSubmatch(text)
	return parts != nil && strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != ""
}

// childTraceparent continues the W3C trace of parent when that is valid, and begins a new one when it is not.
func childTraceparent(parent string) string {
	var random [24]byte
	rand.Read(random[:])
	span := hex.EncodeToString(random[16:])
	if isTraceparent(parent) {
		parts := traceparentPattern.FindStringSubmatch(parent)
		return "00-" + parts[1] + "-" + span + "-01"
	}
	return "00-" + hex.EncodeToString(random[:16]) + "-" + span + "-01"
}
