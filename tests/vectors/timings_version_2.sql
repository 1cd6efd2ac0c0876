-- A database of schema version 2, as sqlite3's .dump of what version 0.2.0's page and server stored; tests/test_timings_migrations.py reads it.
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
INSERT INTO "devices" VALUES('fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6','Kim''s laptop','Chromium','156.0.8078.79','Linux',NULL,'x86',NULL,0,2,16.0,NULL,NULL,NULL,NULL,1280,720,1.0,1,1,4.99999895691871643066e-03,1,1,1,'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36');
INSERT INTO "devices" VALUES('548b750a-0d0d-462a-9eca-7d4b4f1aa743','Kim''s phone','Chromium','156.0.8078.79','Linux',NULL,'x86',NULL,0,2,16.0,'google','swiftshader',NULL,1,1280,720,1.0,1,1,4.99999895691871643066e-03,1,1,1,'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36');
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
	nodes_fallen_back BIGINT, 
	warnings TEXT, 
	error_stage TEXT, 
	error_message TEXT, 
	posted TEXT NOT NULL, 
	PRIMARY KEY (run_id), 
	FOREIGN KEY(device_id) REFERENCES devices (device_id)
);
INSERT INTO "runs" VALUES('10ae82ac-a3f4-43fe-a397-baf95ce9a098','2026-11-21T17:22:49.493Z','fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6','Kim''s laptop','Chromium','156.0.8078.79','Linux',NULL,'x86',NULL,0,2,16.0,NULL,NULL,NULL,NULL,1,1,4.99999895691871643066e-03,'echo','fp32','seeded','5e8544b7914cb4761fcfff0267cd8e6e3437d937dd6c6d91b826718e803237ee',247,'wasm',2,'onnxruntime-web','1.30.0','0.2.0+988f546d1734',3,1,120.0,'iterations',1.1395000003278255463e+01,0,502.089999999851,7.14999999850988388061e+00,3,1.20000001043081283569e-01,5.07444582512550923514e-02,1.10000003129243850708e-01,1.68500000983476644345e-01,7.49999992549419403076e-02,1.75000000745058059692e-01,'passed',0.0,'top_5',5,5,5,NULL,'coarse_timer',NULL,NULL,'{"schema_version":1,"run_id":"10ae82ac-a3f4-43fe-a397-baf95ce9a098","started_at":"2026-11-21T17:22:49.493Z","page_version":"0.2.0+988f546d1734","runtime":"onnxruntime-web","model":"echo","variant":"fp32","model_sha256":"5e8544b7914cb4761fcfff0267cd8e6e3437d937dd6c6d91b826718e803237ee","model_bytes":247,"weights":"seeded","backend":"wasm","iterations_requested":3,"time_budget_s":120,"runtime_version":"1.30.0","threads":2,"warmup_iterations":1,"stopped_by":"iterations","download_ms":11.395000003278255,"download_cached":false,"session_ms":502.089999999851,"first_ms":7.149999998509884,"samples":[{"start_ms":0,"duration_ms":0.17500000074505806},{"start_ms":0.1899999976158142,"duration_ms":0.11000000312924385},{"start_ms":0.3099999986588955,"duration_ms":0.07499999925494194}],"verification":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm, 2 threads","outputs":[{"output":"logits","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"final_check":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm, 2 threads","outputs":[{"output":"logits","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"placement":null,"error":null,"warnings":[{"code":"coarse_timer","message":"This browser''s clock moves in steps of 0.005 ms, over 1 % of the median."}],"device":{"device_id":"fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36","browser":"Chromium","browser_version":"156.0.8078.79","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":2,"memory_gb":16,"gpu_vendor":null,"gpu_architecture":null,"gpu_description":null,"gpu_software":null,"screen_width":1280,"screen_height":720,"pixel_ratio":1,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.004999998956918716,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true,"device_name":"Kim''s laptop"}}');
INSERT INTO "runs" VALUES('a67d61d3-9ca3-4863-bea8-0614bde7da2a','2026-11-21T17:22:50.278Z','fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6','Kim''s laptop','Chromium','156.0.8078.79','Linux',NULL,'x86',NULL,0,2,16.0,NULL,NULL,NULL,NULL,1,1,4.99999895691871643066e-03,'echo','fp32','seeded','5e8544b7914cb4761fcfff0267cd8e6e3437d937dd6c6d91b826718e803237ee',247,'webgpu',1,'onnxruntime-web','1.30.0','0.2.0+988f546d1734',3,0,120.0,'error',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'start','WebGPU cannot run here: this browser has WebGPU but offers no adapter on this device.','{"schema_version":1,"run_id":"a67d61d3-9ca3-4863-bea8-0614bde7da2a","started_at":"2026-11-21T17:22:50.278Z","page_version":"0.2.0+988f546d1734","runtime":"onnxruntime-web","model":"echo","variant":"fp32","model_sha256":"5e8544b7914cb4761fcfff0267cd8e6e3437d937dd6c6d91b826718e803237ee","model_bytes":247,"weights":"seeded","backend":"webgpu","iterations_requested":3,"time_budget_s":120,"runtime_version":"1.30.0","threads":1,"warmup_iterations":0,"stopped_by":"error","download_ms":null,"download_cached":null,"session_ms":null,"first_ms":null,"samples":[],"verification":null,"final_check":null,"placement":null,"error":{"stage":"start","message":"WebGPU cannot run here: this browser has WebGPU but offers no adapter on this device."},"warnings":[],"device":{"device_id":"fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36","browser":"Chromium","browser_version":"156.0.8078.79","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":2,"memory_gb":16,"gpu_vendor":null,"gpu_architecture":null,"gpu_description":null,"gpu_software":null,"screen_width":1280,"screen_height":720,"pixel_ratio":1,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.004999998956918716,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true,"device_name":"Kim''s laptop"}}');
INSERT INTO "runs" VALUES('5c39de15-d30f-487a-adaa-1072662ce6bf','2026-11-21T17:22:50.292Z','fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6','Kim''s laptop','Chromium','156.0.8078.79','Linux',NULL,'x86',NULL,0,2,16.0,NULL,NULL,NULL,NULL,1,1,4.99999895691871643066e-03,'echo_boxes','fp32','seeded','0698bfe9883b6125276c383d16821be09ec430095923c7ba4365c235cbdd92ad',983,'wasm',2,'onnxruntime-web','1.30.0','0.2.0+988f546d1734',3,1,120.0,'iterations',1.02549999989569187166e+01,0,2.0075999999791383744e+02,3.57599999979138374319e+01,3,4.19999999304612514627e-01,3.49678425377104862281e-01,2.94999998062849044799e-01,7.63000001013278916772e-01,1.49999998509883880615e-01,8.15000001341104507446e-01,'passed',0.0,'detections',3,3,3,NULL,'coarse_timer',NULL,NULL,'{"schema_version":1,"run_id":"5c39de15-d30f-487a-adaa-1072662ce6bf","started_at":"2026-11-21T17:22:50.292Z","page_version":"0.2.0+988f546d1734","runtime":"onnxruntime-web","model":"echo_boxes","variant":"fp32","model_sha256":"0698bfe9883b6125276c383d16821be09ec430095923c7ba4365c235cbdd92ad","model_bytes":983,"weights":"seeded","backend":"wasm","iterations_requested":3,"time_budget_s":120,"runtime_version":"1.30.0","threads":2,"warmup_iterations":1,"stopped_by":"iterations","download_ms":10.254999998956919,"download_cached":false,"session_ms":200.75999999791384,"first_ms":35.75999999791384,"samples":[{"start_ms":0,"duration_ms":0.8150000013411045},{"start_ms":0.830000001937151,"duration_ms":0.29499999806284904},{"start_ms":1.130000002682209,"duration_ms":0.14999999850988388}],"verification":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm, 2 threads","outputs":[{"output":"boxes","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true},{"output":"labels","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true},{"output":"scores","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"detections","expected":3,"actual":3,"matched":3,"passed":true},"passed":true},"final_check":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 wasm, 2 threads","outputs":[{"output":"boxes","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true},{"output":"labels","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true},{"output":"scores","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"detections","expected":3,"actual":3,"matched":3,"passed":true},"passed":true},"placement":null,"error":null,"warnings":[{"code":"coarse_timer","message":"This browser''s clock moves in steps of 0.005 ms, over 1 % of the median."}],"device":{"device_id":"fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36","browser":"Chromium","browser_version":"156.0.8078.79","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":2,"memory_gb":16,"gpu_vendor":null,"gpu_architecture":null,"gpu_description":null,"gpu_software":null,"screen_width":1280,"screen_height":720,"pixel_ratio":1,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.004999998956918716,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true,"device_name":"Kim''s laptop"}}');
INSERT INTO "runs" VALUES('546e96a4-3715-446e-bf2f-1ec32719b600','2026-11-21T17:22:50.669Z','fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6','Kim''s laptop','Chromium','156.0.8078.79','Linux',NULL,'x86',NULL,0,2,16.0,NULL,NULL,NULL,NULL,1,1,4.99999895691871643066e-03,'echo_boxes','fp32','seeded','0698bfe9883b6125276c383d16821be09ec430095923c7ba4365c235cbdd92ad',983,'webgpu',1,'onnxruntime-web','1.30.0','0.2.0+988f546d1734',3,0,120.0,'error',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'start','WebGPU cannot run here: this browser has WebGPU but offers no adapter on this device.','{"schema_version":1,"run_id":"546e96a4-3715-446e-bf2f-1ec32719b600","started_at":"2026-11-21T17:22:50.669Z","page_version":"0.2.0+988f546d1734","runtime":"onnxruntime-web","model":"echo_boxes","variant":"fp32","model_sha256":"0698bfe9883b6125276c383d16821be09ec430095923c7ba4365c235cbdd92ad","model_bytes":983,"weights":"seeded","backend":"webgpu","iterations_requested":3,"time_budget_s":120,"runtime_version":"1.30.0","threads":1,"warmup_iterations":0,"stopped_by":"error","download_ms":null,"download_cached":null,"session_ms":null,"first_ms":null,"samples":[],"verification":null,"final_check":null,"placement":null,"error":{"stage":"start","message":"WebGPU cannot run here: this browser has WebGPU but offers no adapter on this device."},"warnings":[],"device":{"device_id":"fd9c9c17-7f33-42cf-b42c-8c66c46d2fb6","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36","browser":"Chromium","browser_version":"156.0.8078.79","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":2,"memory_gb":16,"gpu_vendor":null,"gpu_architecture":null,"gpu_description":null,"gpu_software":null,"screen_width":1280,"screen_height":720,"pixel_ratio":1,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.004999998956918716,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true,"device_name":"Kim''s laptop"}}');
INSERT INTO "runs" VALUES('6cee40ae-a2ad-43bf-ad85-397b21f17881','2026-11-21T17:22:51.900Z','548b750a-0d0d-462a-9eca-7d4b4f1aa743','Kim''s phone','Chromium','156.0.8078.79','Linux',NULL,'x86',NULL,0,2,16.0,'google','swiftshader',NULL,1,1,1,4.99999895691871643066e-03,'echo','fp32','seeded','5e8544b7914cb4761fcfff0267cd8e6e3437d937dd6c6d91b826718e803237ee',247,'webgpu',1,'onnxruntime-web','1.30.0','0.2.0+988f546d1734',2,1,120.0,'iterations',9.64000000059604644775e+00,0,5.87655000001192092881e+02,3.71050000004470348358e+01,2,2.65749999880790710449e+00,1.79251569304744329258e+00,2.65749999880790710449e+00,3.79825000055134287535e+00,1.38999999687075614929e+00,3.92500000074505805969e+00,'passed',0.0,'top_5',5,5,5,0,'placement software_gpu',NULL,NULL,'{"schema_version":1,"run_id":"6cee40ae-a2ad-43bf-ad85-397b21f17881","started_at":"2026-11-21T17:22:51.900Z","page_version":"0.2.0+988f546d1734","runtime":"onnxruntime-web","model":"echo","variant":"fp32","model_sha256":"5e8544b7914cb4761fcfff0267cd8e6e3437d937dd6c6d91b826718e803237ee","model_bytes":247,"weights":"seeded","backend":"webgpu","iterations_requested":2,"time_budget_s":120,"runtime_version":"1.30.0","threads":1,"warmup_iterations":1,"stopped_by":"iterations","download_ms":9.640000000596046,"download_cached":false,"session_ms":587.6550000011921,"first_ms":37.105000000447035,"samples":[{"start_ms":0,"duration_ms":3.925000000745058},{"start_ms":3.9500000029802322,"duration_ms":1.3899999968707561}],"verification":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 webgpu","outputs":[{"output":"logits","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"final_check":{"reference":"photograph","runtime":"onnxruntime-web 1.30.0 webgpu","outputs":[{"output":"logits","max_abs_diff":0,"max_rel_diff":0,"tolerance_used":0,"atol":0.00001,"rtol":0.0001,"passed":true}],"task":{"measure":"top_5","expected":5,"actual":5,"matched":5,"passed":true},"passed":true},"placement":{"webgpu":{"*":3}},"error":null,"warnings":[{"code":"placement","message":"Session logging was on to see where nodes ran: for proof, not for timing."},{"code":"software_gpu","message":"The GPU is emulated in software, so this is no GPU timing."}],"device":{"device_id":"548b750a-0d0d-462a-9eca-7d4b4f1aa743","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36","browser":"Chromium","browser_version":"156.0.8078.79","platform":"Linux","platform_version":null,"architecture":"x86","device_model":null,"mobile":false,"cores":2,"memory_gb":16,"gpu_vendor":"google","gpu_architecture":"swiftshader","gpu_description":null,"gpu_software":true,"screen_width":1280,"screen_height":720,"pixel_ratio":1,"secure_context":true,"cross_origin_isolated":true,"timer_step_ms":0.004999998956918716,"wasm_simd":true,"wasm_relaxed_simd":true,"wasm_threads":true,"device_name":"Kim''s phone"}}');
CREATE TABLE samples (
	run_id TEXT NOT NULL, 
	sample BIGINT NOT NULL, 
	start_ms DOUBLE NOT NULL, 
	duration_ms DOUBLE NOT NULL, 
	PRIMARY KEY (run_id, sample), 
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
INSERT INTO "samples" VALUES('10ae82ac-a3f4-43fe-a397-baf95ce9a098',1,0.0,1.75000000745058059692e-01);
INSERT INTO "samples" VALUES('10ae82ac-a3f4-43fe-a397-baf95ce9a098',2,1.89999997615814208984e-01,1.10000003129243850708e-01);
INSERT INTO "samples" VALUES('10ae82ac-a3f4-43fe-a397-baf95ce9a098',3,3.09999998658895492553e-01,7.49999992549419403076e-02);
INSERT INTO "samples" VALUES('5c39de15-d30f-487a-adaa-1072662ce6bf',1,0.0,8.15000001341104507446e-01);
INSERT INTO "samples" VALUES('5c39de15-d30f-487a-adaa-1072662ce6bf',2,0.830000001937151,2.94999998062849044799e-01);
INSERT INTO "samples" VALUES('5c39de15-d30f-487a-adaa-1072662ce6bf',3,1.13000000268220901489e+00,1.49999998509883880615e-01);
INSERT INTO "samples" VALUES('6cee40ae-a2ad-43bf-ad85-397b21f17881',1,0.0,3.92500000074505805969e+00);
INSERT INTO "samples" VALUES('6cee40ae-a2ad-43bf-ad85-397b21f17881',2,3.95000000298023223876e+00,1.38999999687075614929e+00);
CREATE TABLE zoo_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "zoo_schema" VALUES(2);
CREATE INDEX ix_runs_device_id ON runs (device_id);
COMMIT;
