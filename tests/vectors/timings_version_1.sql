-- A database of schema version 1, as sqlite3's .dump of what version 0.1.0 of this project stored; tests/test_timings_migrations.py reads it.
BEGIN TRANSACTION;
CREATE TABLE devices (
	device_id TEXT NOT NULL, 
	device_name TEXT, 
	browser TEXT, 
	browser_version TEXT, 
	platform TEXT, 
	platform_version TEXT, 
	architecture TEXT, 
	device_model TEXT, 
	mobile BOOLEAN, 
	cores BIGINT, 
	memory_gb DOUBLE, 
	gpu_vendor TEXT, 
	gpu_architecture TEXT, 
	gpu_description TEXT, 
	gpu_software BOOLEAN, 
	screen_width BIGINT, 
	screen_height BIGINT, 
	pixel_ratio DOUBLE, 
	secure_context BOOLEAN, 
	cross_origin_isolated BOOLEAN, 
	timer_step_ms DOUBLE, 
	wasm_simd BOOLEAN, 
	wasm_relaxed_simd BOOLEAN, 
	wasm_threads BOOLEAN, 
	user_agent TEXT, 
	PRIMARY KEY (device_id)
);
INSERT INTO "devices" VALUES('11111111-2222-4333-8444-555555555555','Kim''s laptop','Chromium','156.0.0.0','Linux',NULL,'x86',NULL,0,8,8.0,NULL,NULL,NULL,NULL,1440,900,1.5,1,1,0.005,1,1,1,'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0');
CREATE TABLE runs (
	run_id TEXT NOT NULL, 
	started_at TEXT, 
	device_id TEXT NOT NULL, 
	device_name TEXT, 
	browser TEXT, 
	browser_version TEXT, 
	platform TEXT, 
	platform_version TEXT, 
	architecture TEXT, 
	device_model TEXT, 
	mobile BOOLEAN, 
	cores BIGINT, 
	memory_gb DOUBLE, 
	gpu_vendor TEXT, 
	gpu_architecture TEXT, 
	gpu_description TEXT, 
	gpu_software BOOLEAN, 
	secure_context BOOLEAN, 
	cross_origin_isolated BOOLEAN, 
	timer_step_ms DOUBLE, 
	model TEXT, 
	variant TEXT, 
	weights TEXT, 
	model_sha256 TEXT, 
	model_bytes BIGINT, 
	backend TEXT, 
	threads BIGINT, 
	runtime TEXT, 
	runtime_version TEXT, 
	page_version TEXT, 
	iterations_requested BIGINT, 
	warmup_iterations BIGINT, 
	time_budget_s DOUBLE, 
	stopped_by TEXT, 
	download_ms DOUBLE, 
	download_cached BOOLEAN, 
	session_ms DOUBLE, 
	first_ms DOUBLE, 
	n BIGINT, 
	mean_ms DOUBLE, 
	sd_ms DOUBLE, 
	median_ms DOUBLE, 
	p95_ms DOUBLE, 
	min_ms DOUBLE, 
	max_ms DOUBLE, 
	verified TEXT, 
	tolerance_used DOUBLE, 
	task_measure TEXT, 
	task_expected BIGINT, 
	task_actual BIGINT, 
	task_matched BIGINT, 
	warnings TEXT, 
	error_stage TEXT, 
	error_message TEXT, 
	posted TEXT NOT NULL, 
	PRIMARY KEY (run_id), 
	FOREIGN KEY(device_id) REFERENCES devices (device_id)
);
INSERT INTO "runs" VALUES('00000000-0000-4000-8000-000000000001','2026-03-01T11:00:00.250Z','11111111-2222-4333-8444-555555555555','Kim''s laptop','Chromium','156.0.0.0','Linux',NULL,'x86',NULL,0,8,8.0,NULL,NULL,NULL,NULL,1,1,0.005,'echo','fp32','seeded','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1000,'wasm',8,'onnxruntime-web','1.30.0','0.1.0+0123456789ab',3,3,120.0,'iterations',35.25,0,800.5,40.125,3,1.21666666666666660749e+01,1.25830573921179178498e+00,12.0,13.35,11.0,13.5,'passed',0.5,'top_5',5,5,5,NULL,NULL,NULL,'{"schema_version":1,"run_id":"00000000-0000-4000-8000-000000000001","started_at":"2026-03-01T11:00:00.250000Z","page_version":"0.1.0+0123456789ab","runtime":"onnxruntime-web","runtime_version":"1.30.0","model":"echo","variant":"fp32","model_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","model_bytes":1000,"weights":"seeded","backend":"wasm","threads":8,"iterations_requested":3,"warmup_iterations":3,"time_budget_s":120.0,"stopped_by":"iterations","download_ms":35.25,"download_cached":false,"session_ms":800.5,"first_ms":40.125,"samples":[{"start_ms":0.0,"duration_ms":12.0},{"start_ms":12.0,"duration_ms":11.0},{"start_ms":23.0,"duration_ms":13.5}],"verification":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm","outputs":[{"output":"logits","max_abs_diff":2.5e-6,"max_rel_diff":0.0,"tolerance_used":0.25,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"final_check":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm","outputs":[{"output":"logits","max_abs_diff":5e-6,"max_rel_diff":0.0,"tolerance_used":0.5,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"warnings":[],"error":null,"device":{"device_id":"11111111-2222-4333-8444-555555555555","device_name":"Kim''s laptop","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0","browser":"Chromium","browser_version":"156.0.0.0","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":8,"memory_gb":8.0,"gpu_vendor":null,"gpu_architecture":null,"gpu_description":null,"gpu_software":null,"screen_width":1440,"screen_height":900,"pixel_ratio":1.5,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.005,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true}}');
INSERT INTO "runs" VALUES('00000000-0000-4000-8000-000000000002','2026-03-02T08:00:00.000Z','11111111-2222-4333-8444-555555555555','Kim''s laptop','Chromium','156.0.0.0','Linux',NULL,'x86',NULL,0,8,8.0,NULL,NULL,NULL,NULL,1,1,0.005,'echo','fp32','seeded','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1000,'webgpu',1,'onnxruntime-web','1.30.0','0.1.0+0123456789ab',1,3,120.0,'iterations',35.25,0,800.5,40.125,1,4.5,NULL,4.5,4.5,4.5,4.5,'passed',0.5,'top_5',5,5,5,NULL,NULL,NULL,'{"schema_version":1,"run_id":"00000000-0000-4000-8000-000000000002","started_at":"2026-03-02T08:00:00Z","page_version":"0.1.0+0123456789ab","runtime":"onnxruntime-web","runtime_version":"1.30.0","model":"echo","variant":"fp32","model_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","model_bytes":1000,"weights":"seeded","backend":"webgpu","threads":1,"iterations_requested":1,"warmup_iterations":3,"time_budget_s":120.0,"stopped_by":"iterations","download_ms":35.25,"download_cached":false,"session_ms":800.5,"first_ms":40.125,"samples":[{"start_ms":0.0,"duration_ms":4.5}],"verification":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm","outputs":[{"output":"logits","max_abs_diff":2.5e-6,"max_rel_diff":0.0,"tolerance_used":0.25,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"final_check":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm","outputs":[{"output":"logits","max_abs_diff":5e-6,"max_rel_diff":0.0,"tolerance_used":0.5,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"warnings":[],"error":null,"device":{"device_id":"11111111-2222-4333-8444-555555555555","device_name":"Kim''s laptop","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0","browser":"Chromium","browser_version":"156.0.0.0","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":8,"memory_gb":8.0,"gpu_vendor":null,"gpu_architecture":null,"gpu_description":null,"gpu_software":null,"screen_width":1440,"screen_height":900,"pixel_ratio":1.5,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.005,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true}}');
INSERT INTO "runs" VALUES('00000000-0000-4000-8000-000000000003','2026-03-03T08:00:00.000Z','11111111-2222-4333-8444-555555555555','Kim''s laptop','Chromium','156.0.0.0','Linux',NULL,'x86',NULL,0,8,8.0,NULL,NULL,NULL,NULL,1,1,0.005,'echo','fp32','seeded','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1000,'wasm',8,'onnxruntime-web','1.30.0','0.1.0+0123456789ab',30,3,120.0,'error',35.25,0,800.5,40.125,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'session','out of memory','{"schema_version":1,"run_id":"00000000-0000-4000-8000-000000000003","started_at":"2026-03-03T08:00:00Z","page_version":"0.1.0+0123456789ab","runtime":"onnxruntime-web","runtime_version":"1.30.0","model":"echo","variant":"fp32","model_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","model_bytes":1000,"weights":"seeded","backend":"wasm","threads":8,"iterations_requested":30,"warmup_iterations":3,"time_budget_s":120.0,"stopped_by":"error","download_ms":35.25,"download_cached":false,"session_ms":800.5,"first_ms":40.125,"samples":[],"verification":null,"final_check":null,"warnings":[],"error":{"stage":"session","message":"out of memory"},"device":{"device_id":"11111111-2222-4333-8444-555555555555","device_name":"Kim''s laptop","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0","browser":"Chromium","browser_version":"156.0.0.0","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":8,"memory_gb":8.0,"gpu_vendor":null,"gpu_architecture":null,"gpu_description":null,"gpu_software":null,"screen_width":1440,"screen_height":900,"pixel_ratio":1.5,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.005,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true}}');
CREATE TABLE samples (
	run_id TEXT NOT NULL, 
	sample BIGINT NOT NULL, 
	start_ms DOUBLE NOT NULL, 
	duration_ms DOUBLE NOT NULL, 
	PRIMARY KEY (run_id, sample), 
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
INSERT INTO "samples" VALUES('00000000-0000-4000-8000-000000000001',1,0.0,12.0);
INSERT INTO "samples" VALUES('00000000-0000-4000-8000-000000000001',2,12.0,11.0);
INSERT INTO "samples" VALUES('00000000-0000-4000-8000-000000000001',3,23.0,13.5);
INSERT INTO "samples" VALUES('00000000-0000-4000-8000-000000000002',1,0.0,4.5);
CREATE TABLE zoo_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "zoo_schema" VALUES(1);
CREATE INDEX ix_runs_device_id ON runs (device_id);
COMMIT;
