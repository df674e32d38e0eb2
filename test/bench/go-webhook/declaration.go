package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	upgradeLabel  = "sluice.dev/upgrade"
	managedLabel  = "sluice.dev/managed"
	blueGreen     = "blue-green"
	replicasNote  = "sluice.dev/replicas"
	revisionNote  = "sluice.dev/revision"
	requestedNote = "sluice.dev/requested-by"
	traceNote     = "sluice.dev/traceparent"
	askedAtNote   = "sluice.dev/requested-at"
	parentNote    = "sluice.dev/parent-span"
	strategyNote  = "sluice.dev/update-strategy"
	abortedNote   = "sluice.dev/aborted"
	heldNote      = "sluice.dev/held-replicas"
)

var size = regexp.MustCompile(`^(0|[1-9]\d{0,9})$`)

// admitDeclaration answers an UPDATE of a stored declaration: the template passes through; what must hold until the
// loop acts goes into the patch. Other requests, which Sluice's webhook has further rules for, pass untouched.
func admitDeclaration(request *admissionRequest, traceparent string) ([]operation, []string, error) {
	object, old := &request.Object, &request.OldObject
	if request.Operation != "UPDATE" || request.Resource != (resource{"apps", "statefulsets"}) ||
		request.SubResource != "" || object.Metadata.DeletionTimestamp != "" {
		return nil, nil, nil
	}
	wasOurs := old.Metadata.Labels[upgradeLabel] == blueGreen || old.Metadata.Labels[managedLabel] == "true"
	if !wasOurs {
		return nil, nil, nil
	}
	template, same, err := sameTemplate(object.Spec.Template, old.Spec.Template)
	if err != nil {
		return nil, nil, err
	}
	edit := edit{request: request, changesTemplate: !same, template: template}

	edit.holdReplicas()
	if err := edit.holdUpdateStrategy(); err != nil {
		return nil, nil, err
	}
	if err := edit.stampRevision(traceparent); err != nil {
		return nil, nil, err
	}
	edit.keep(abortedNote)
	edit.restore(heldNote)

	ops := editMap(nil, "/metadata/labels", object.Metadata.Labels, []note{{managedLabel, "true"}})
	ops = editMap(ops, "/metadata/annotations", object.Metadata.Annotations, edit.notes)
	return append(ops, edit.ops...), edit.warnings(), nil
}

type note struct{ key, value string }

type edit struct {
	request         *admissionRequest
	changesTemplate bool
	template        any    // decoded; nil when equal bytes needed no look
	declared        string // the size wanted
	keepsSize       bool   // another number was asked for
	notes           []note
	ops             []operation
}

func (e *edit) note(key, value string) { e.notes = append(e.notes, note{key, value}) }

// restore puts back the stored value of a note of ours, whatever the request says.
func (e *edit) restore(key string) {
	if value, ok := e.request.OldObject.Metadata.Annotations[key]; ok {
		e.note(key, value)
	}
}

// keep puts it back when the request drops it, as `kubectl replace` does.
func (e *edit) keep(key string) {
	if _, ok := e.request.Object.Metadata.Annotations[key]; !ok {
		e.restore(key)
	}
}

// holdReplicas keeps the stored size; another number is a wish and goes into the annotation.
func (e *edit) holdReplicas() {
	object, old := &e.request.Object, &e.request.OldObject
	asked, stored := orDefault(object.Spec.Replicas), orDefault(old.Spec.Replicas)
	previous := sizeIn(old.Metadata.Annotations)
	brought := sizeIn(object.Metadata.Annotations)
	e.declared = brought
	if brought == "" {
		e.declared = previous
	}
	isUnknown := e.declared == "" && stored != 0 // a stored 0 is ours, and no wish
	if asked != stored || isUnknown {
		e.declared = strconv.Itoa(asked)
	}
	if e.keepsSize = asked != stored; e.keepsSize {
		e.ops = append(e.ops, operation{addOrReplace(object.Spec.Replicas != nil), "/spec/replicas", stored})
	}
	if e.declared != "" {
		e.note(replicasNote, e.declared)
	}
}

type updateStrategy struct {
	Type          string         `json:"type"`
	RollingUpdate *rollingUpdate `json:"rollingUpdate,omitempty"`
}

type rollingUpdate struct {
	Partition *int `json:"partition,omitempty"`
}

// holdUpdateStrategy freezes the declaration's own pods, and keeps the user's own strategy.
func (e *edit) holdUpdateStrategy() error {
	raw := e.request.Object.Spec.UpdateStrategy
	var strategy updateStrategy
	if raw != nil {
		if err := json.Unmarshal(raw, &strategy); err != nil {
			return fmt.Errorf("update strategy: %w", err)
		}
	}
	rolling := strategy.RollingUpdate
	if strategy.Type == "RollingUpdate" && rolling != nil && rolling.Partition != nil &&
		*rolling.Partition == math.MaxInt32 {
		e.keep(strategyNote)
		return nil
	}
	own := any(map[string]any{})
	if raw != nil {
		var err error
		if own, err = decode(raw); err != nil {
			return err
		}
	}
	text, err := canonical(own)
	if err != nil {
		return err
	}
	e.note(strategyNote, string(text))
	frozen := math.MaxInt32
	held := updateStrategy{"RollingUpdate", &rollingUpdate{&frozen}}
	e.ops = append(e.ops, operation{addOrReplace(raw != nil), "/spec/updateStrategy", held})
	return nil
}

// longestRequest is the API server's --request-timeout, by default: no second call about a request comes later.
const longestRequest = time.Minute

// stampRevision says who asked for the present template, when, and what its revision will be called.
func (e *edit) stampRevision(traceparent string) error {
	if !e.changesTemplate {
		e.restore(revisionNote)
		e.restore(requestedNote)
		e.restore(traceNote)
		e.restore(askedAtNote)
		e.restore(parentNote)
		return nil
	}
	revision, err := revisionOf(e.request.Name, e.template)
	if err != nil {
		return err
	}
	e.note(revisionNote, revision)
	e.note(requestedNote, e.request.UserInfo.Username)
	present := e.request.Object.Metadata.Annotations[traceNote]
	if !e.isStamped(revision, present) && traceparent != "" {
		e.note(traceNote, traceparent)
		e.note(askedAtNote, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	return nil
}

// isStamped says whether the notes of the request are ours, from an earlier call about this same one.
func (e *edit) isStamped(revision, trace string) bool {
	notes, old := e.request.Object.Metadata.Annotations, e.request.OldObject.Metadata.Annotations
	askedAt, err := time.Parse(time.RFC3339, notes[askedAtNote])
	if err != nil || !isTraceparent(trace) {
		return false
	}
	return notes[revisionNote] == revision && notes[requestedNote] == e.request.UserInfo.Username &&
		trace != old[traceNote] && notes[askedAtNote] != old[askedAtNote] &&
		time.Since(askedAt).Abs() <= longestRequest
}

func (e *edit) warnings() []string {
	name := e.request.Name
	upgrade := e.request.Object.Metadata.Labels[upgradeLabel]
	follow := "Follow: kubectl get bluegreen " + name + " -w"
	var warnings []string
	hadLabel := e.request.OldObject.Metadata.Labels[upgradeLabel] != ""
	switch {
	case upgrade == "" && hadLabel:
		warnings = append(warnings, "sluice: statefulset/"+name+
			" is handed back: when its clients are on pods of its own, Sluice lets go of it. "+follow)
	case upgrade == blueGreen && !hadLabel:
		warnings = append(warnings, "sluice: statefulset/"+name+" is not handed back after all. "+follow)
	}
	switch {
	case e.changesTemplate && upgrade == "":
		warnings = append(warnings, "sluice: statefulset/"+name+
			" is being handed back; its new template is reached by blue-green too. "+follow)
	case e.changesTemplate:
		revision := e.notes[slices.IndexFunc(e.notes, func(n note) bool { return n.key == revisionNote })].value
		warnings = append(warnings, "sluice: template change redirected to green StatefulSet "+
			setNameOf(name, revision)+" ("+nodes(e.declared)+" declared); nothing restarts. "+follow)
	}
	if e.keepsSize && e.declared != e.request.OldObject.Metadata.Annotations[replicasNote] {
		warnings = append(warnings, "sluice: "+e.declared+" replicas recorded for bluegreen/"+name+
			", which sizes the nodes; statefulset/"+name+" keeps its own")
	}
	return warnings
}

// editMap appends the operations that give a map the values wanted; none for those that it has.
func editMap(ops []operation, path string, present map[string]string, wanted []note) []operation {
	if present == nil {
		values := make(map[string]string, len(wanted))
		for _, note := range wanted {
			values[note.key] = note.value
		}
		if len(values) == 0 {
			return ops
		}
		return append(ops, operation{"add", path, values})
	}
	for _, note := range wanted {
		value, has := present[note.key]
		if has && value == note.value {
			continue
		}
		token := strings.ReplaceAll(strings.ReplaceAll(note.key, "~", "~0"), "/", "~1")
		ops = append(ops, operation{addOrReplace(has), path + "/" + token, note.value})
	}
	return ops
}

// sameTemplate tells whether two templates are the same by value. Equal bytes need no look inside.
func sameTemplate(template, old json.RawMessage) (decoded any, same bool, err error) {
	if bytes.Equal(template, old) {
		return nil, true, nil
	}
	if decoded, err = decode(template); err != nil {
		return nil, false, err
	}
	before, err := decode(old)
	return decoded, err == nil && reflect.DeepEqual(decoded, before), err
}

func decode(raw json.RawMessage) (any, error) {
	var value any
	if len(raw) == 0 {
		return value, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // as written: a float would change the text that the revision is made of
	err := decoder.Decode(&value)
	return value, err
}

func orDefault(replicas *int) int {
	if replicas == nil {
		return 1 // the API server's default
	}
	return *replicas
}

func sizeIn(annotations map[string]string) string {
	if value := annotations[replicasNote]; size.MatchString(value) {
		return value
	}
	return ""
}

func nodes(declared string) string {
	if declared == "1" {
		return "1 node"
	}
	return declared + " nodes"
}

func addOrReplace(has bool) string {
	if has {
		return "replace"
	}
	return "add"
}
