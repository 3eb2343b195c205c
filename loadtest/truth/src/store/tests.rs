//! What is written is read back, whole or not at all, and what is damaged is named.

use super::*;
use crate::fixtures;
use serde_json::Value;

#[test]
fn a_run_is_read_back_as_it_was_written() {
    let results = tempfile::tempdir().unwrap();
    for run in [fixtures::rush(), fixtures::lost(), fixtures::buffered()] {
        let (folder, again) = write_run(results.path(), &run).unwrap();
        let json = fs::read_to_string(folder.join(RUN_FILE)).unwrap();
        assert_eq!(
            json.lines()
                .filter(|l| l.starts_with("    {\"t_s\""))
                .count(),
            run.timeline.len()
        );
        assert_eq!(run_json(&again).unwrap(), json);
    }
    let runs = read_all(results.path()).unwrap();
    assert_eq!((runs.runs.len(), runs.unreadable.len()), (3, 0));
    assert!(runs.runs.is_sorted_by(|a, b| a.id < b.id));
}

#[test]
fn nan_is_refused_before_anything_is_written() {
    let results = tempfile::tempdir().unwrap();
    let mut run = fixtures::rush();
    run.timeline.clear();
    let (folder, _) = write_run(results.path(), &run).unwrap();
    let before = fs::read_to_string(folder.join(RUN_FILE)).unwrap();
    run.load.in_flight_mean = f64::NAN;
    let error = format!("{:#}", write_run(results.path(), &run).unwrap_err());
    assert!(
        error.contains("run.json") && error.contains("null"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(folder.join(RUN_FILE)).unwrap(), before);
}

#[test]
fn an_unknown_field_and_another_schema_are_refused() {
    let results = tempfile::tempdir().unwrap();
    let file = results.path().join(RUN_FILE);
    let json = run_json(&fixtures::rush()).unwrap();
    fs::write(&file, json.replacen("\"seed\"", "\"sede\"", 1)).unwrap();
    let error = format!("{:#}", read_run(&file).unwrap_err());
    assert!(
        error.contains("sede") && error.contains("run.json"),
        "{error}"
    );
    fs::write(&file, json.replacen("\"schema\": 3", "\"schema\": 4", 1)).unwrap();
    let error = format!("{:#}", read_run(&file).unwrap_err());
    assert!(error.contains("schema 4"), "{error}");
}

#[test]
fn a_folder_must_have_the_name_of_its_run() {
    let results = tempfile::tempdir().unwrap();
    let (folder, _) = write_run(results.path(), &fixtures::rush()).unwrap();
    fs::rename(&folder, results.path().join("best")).unwrap();
    let all = read_all(results.path()).unwrap();
    assert!(all.runs.is_empty() && all.unreadable[0].contains("must have the run's name"));
}

/// A full disk, or a machine that lost its power, at the end of another run.
#[test]
fn a_truncated_record_is_named_and_hides_no_other() {
    let results = tempfile::tempdir().unwrap();
    let (_, rush) = write_run(results.path(), &fixtures::rush()).unwrap();
    let (folder, lost) = write_run(results.path(), &fixtures::lost()).unwrap();
    let json = fs::read_to_string(folder.join(RUN_FILE)).unwrap();
    fs::write(folder.join(RUN_FILE), &json[..json.len() / 2]).unwrap();
    let all = read_all(results.path()).unwrap();
    assert_eq!(all.runs.len(), 1);
    assert!(all.unreadable[0].contains(&lost.id), "{:?}", all.unreadable);
    assert_eq!(
        find_run(results.path(), "20251121T08").unwrap(),
        results.path().join(rush.id)
    );
}

#[test]
fn a_file_is_replaced_whole_or_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.md");
    write(&file, "old").unwrap();
    write(&file, "new").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it: {names:?}");
    // A folder in the way stands for a disk that refuses.
    let taken = folder.path().join("taken");
    fs::create_dir_all(taken.join("full")).unwrap();
    assert!(write(&taken, "x").is_err() && taken.join("full").is_dir());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_run_is_found_by_id_beginning_path_and_latest() {
    let results = fixtures::folder();
    let rush = results.join(fixtures::rush().id);
    let path = rush.join(RUN_FILE);
    let meant = [
        "20251121T081500Z-phase1-rush-1000",
        "20251121T08",
        path.to_str().unwrap(),
    ];
    for meant in meant.into_iter().chain([rush.to_str().unwrap()]) {
        assert_eq!(find_run(&results, meant).unwrap(), rush, "{meant}");
    }
    assert_eq!(
        find_run(&results, "latest").unwrap(),
        results.join(fixtures::overloaded().id)
    );
    for wrong in ["20251121T", "nothing", ""] {
        assert!(find_run(&results, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_schema_describes_every_field() {
    let schema: Value = serde_json::from_str(&schema_json().unwrap()).unwrap();
    let mut fields = 0;
    let mut undescribed = Vec::new();
    described(&schema, "run", &mut fields, &mut undescribed);
    assert!(fields > 150, "{fields}");
    assert_eq!(undescribed, [""; 0]);
    assert_eq!(schema["additionalProperties"], false);
}

fn described(schema: &Value, place: &str, fields: &mut usize, undescribed: &mut Vec<String>) {
    for (key, value) in schema.as_object().into_iter().flatten() {
        if key == "properties" {
            for (field, of) in value.as_object().into_iter().flatten() {
                *fields += 1;
                // The name of a variant says what it is; the variant itself is described.
                let named = field == "kind" && of.get("const").is_some();
                if of.get("description").is_none() && !named {
                    undescribed.push(format!("{place}.{field}"));
                }
            }
        }
        let inner = format!("{place}/{key}");
        match value {
            Value::Array(all) => all
                .iter()
                .for_each(|one| described(one, &inner, fields, undescribed)),
            one => described(one, &inner, fields, undescribed),
        }
    }
}

#[test]
fn a_load_is_kept_where_it_is_told_and_taken_for_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut loaded = fixtures::loaded();
    loaded.timeline = vec![Second::default(), Second::default()];
    let file = write_load(folder.path(), &loaded).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let read: Loaded = serde_json::from_str(&text).unwrap();
    assert_eq!((read.id, read.timeline.len()), (loaded.id, 2));
    // A second a line.
    assert_eq!(text.matches("\n    {\"t_s\":").count(), 2, "{text}");
    assert!(read_all(folder.path()).unwrap().runs.is_empty());
}
